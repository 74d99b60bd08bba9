// Sessions that end or change while a page is open.
import assert from 'node:assert/strict'
import { walk, signIn, signUp, see, allow, GRANTD } from './walk.mjs'
import { app } from './app.mjs'

await walk(async (somebody) => {
  // The session ends, by another browser, between the question and its answer: sign in, answer again.
  const page = await somebody()
  await app.open(page)
  await signIn(page)
  await see(page, /^Allow/)
  const elsewhere = await somebody()
  await elsewhere.goto(GRANTD + '/account')
  await signIn(elsewhere)
  await elsewhere.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await elsewhere.getByRole('status').waitFor()
  await allow(page)
  await see(page, 'Sign in')
  await signIn(page)
  await see(page, /^Allow/)
  await allow(page)
  await app.signedIn(page)

  // Two tabs of one browser, both at the question who it is: both get through.
  const one = await somebody()
  const two = await one.context().newPage()
  for (const tab of [one, two]) {
    await app.open(tab)
    await see(tab, 'Sign in')
  }
  await one.getByRole('link', { name: 'Create an account' }).click()
  await signUp(one, 'two-tabs')
  await see(one, /^Allow/)
  await signIn(two, 'two-tabs', 'correct horse battery')
  await see(two, /^Allow/)
  for (const tab of [one, two]) {
    await allow(tab)
    await app.signedIn(tab, 'two-tabs')
  }

  // In one tab the app asks one person; in the other somebody else signs up. The answer of one is never taken for the other's.
  const beside = await page.context().newPage()
  await beside.goto(GRANTD + '/account')
  await beside.getByRole('button', { name: 'Revoke' }).click()
  await beside.getByRole('status').waitFor()
  await app.press(page, 'Refresh the tokens')
  await page.getByRole('button', { name: 'Sign in again' }).click()
  await see(page, /^Allow/)
  await beside.goto(GRANTD + '/signup')
  await signUp(beside, 'somebody-else')
  await see(beside, 'Your account')
  await allow(page)
  await see(page, /^Allow/)
  assert.match(await page.locator('main').innerText(), /Signed in as somebody-else/)
  await allow(page)
  await app.signedIn(page, 'somebody-else')
})
