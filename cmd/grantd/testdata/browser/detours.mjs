// What people do besides the straight way: a wrong password, "no", the back button, an account of their own.
import assert from 'node:assert/strict'
import { walk, signIn, signUp, see, allow, GRANTD, DEMO } from './walk.mjs'
import { app } from './app.mjs'

await walk(async (somebody) => {
  // A wrong password, and an account that is disabled: the same answer. The name stays, the password does not.
  const hasty = await somebody()
  await app.open(hasty)
  for (const [username, password] of [['johndoe', 'wrong'], ['alice', 'secret2']]) {
    await signIn(hasty, username, password)
    await hasty.getByRole('alert').waitFor()
    assert.match(await hasty.getByRole('alert').innerText(), /wrong/)
    assert.equal(await hasty.getByLabel('Username or email').inputValue(), username)
    assert.equal(await hasty.getByLabel('Password', { exact: true }).inputValue(), '')
  }
  await signIn(hasty)
  await see(hasty, /^Allow/)

  const page = await somebody()
  await app.open(page)
  await signIn(page)
  await see(page, /^Allow/)

  // Back from the question: whoever is signed in already is asked the same again, and can answer.
  await page.goBack()
  await see(page, /^Allow/)
  await page.getByRole('button', { name: 'Deny' }).click()
  await page.getByRole('status').waitFor()
  assert.match(await page.getByRole('status').innerText(), /You did not allow it/)

  await app.beginner(page).click()
  await see(page, /^Allow/) // a no is not remembered
  await allow(page)
  await app.signedIn(page)

  // Back from the app leads nowhere bad, and nothing is lost.
  await page.goBack()
  await page.goto(DEMO + '/')
  await app.signedIn(page)

  // Somebody new comes by the same way. A name that is taken is said.
  const other = await somebody()
  await app.open(other)
  await other.getByRole('link', { name: 'Create an account' }).click()
  await signUp(other, 'johndoe')
  await other.getByRole('alert').waitFor()
  await signUp(other, 'new-here')
  await see(other, /^Allow/)
  await allow(other)
  await app.signedIn(other, 'new-here')
})
