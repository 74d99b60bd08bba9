// Asking for more, and leaving: from the app, and from the account page.
import assert from 'node:assert/strict'
import { walk, signIn, see, allow, GRANTD, DEMO } from './walk.mjs'
import { app } from './app.mjs'

await walk(async (somebody) => {
  const page = await somebody()
  await app.open(page)
  await signIn(page)
  await see(page, /^Allow/)
  await allow(page)
  await app.signedIn(page)

  // The app asks for more when it needs it. What was allowed before is ticked, and so is what is new.
  assert.match(await app.press(page, 'Add the item'), /403[^]*insufficient_scope/)
  await page.getByRole('button', { name: 'Ask for items:write' }).click()
  await see(page, /^Allow/)
  assert.equal(await page.getByLabel(app.me).isChecked(), true)
  assert.equal(await page.getByLabel(app.write).isChecked(), true)
  await allow(page)
  await app.signedIn(page)
  assert.ok((await app.allowed(page)).includes('items:write'))
  assert.match(await app.press(page, 'Add the item'), /201/)

  // Out of the app and of grantd, and back to the app.
  await page.getByRole('button', { name: 'Sign out' }).click()
  await app.beginner(page).waitFor()
  assert.equal(page.url(), DEMO + '/')
  await page.goto(GRANTD + '/account')
  await see(page, 'Sign in')

  // What was allowed is remembered: no question the second time.
  await app.open(page)
  await signIn(page)
  await app.signedIn(page)

  // The session ends on the account page of another browser. The app is told, by back-channel logout.
  const elsewhere = await somebody()
  await elsewhere.goto(GRANTD + '/account')
  await signIn(elsewhere)
  await elsewhere.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await elsewhere.getByRole('status').waitFor()
  for (const end = Date.now() + 20_000; ; ) {
    await page.goto(DEMO + '/')
    if (await app.beginner(page).isVisible()) break
    assert.ok(Date.now() < end, 'the app never heard of it')
  }
})
