// The whole way of a person and an app: sign in, let it do less than it asks, take it back.
import assert from 'node:assert/strict'
import { walk, signIn, see, allow, GRANTD } from './walk.mjs'
import { app } from './app.mjs'

await walk(async (somebody) => {
  const page = await somebody()
  await page.goto(GRANTD + '/')
  await page.getByRole('link', { name: 'Open the demo app' }).click()
  await app.beginner(page).click()
  await signIn(page)

  await see(page, `Allow ${app.name}?`)
  const question = await page.locator('main').innerText()
  assert.match(question, /You will be sent to an app on this device/)
  assert.match(question, /Signed in as johndoe/)
  await page.getByLabel(app.items).uncheck()
  await allow(page)

  // The token works, and the scope that was left out is missing.
  await app.signedIn(page)
  assert.deepEqual(await app.allowed(page), ['openid', 'profile', 'email', 'offline_access', 'me'])
  assert.match(await app.press(page, 'List my items'), /403[^]*insufficient_scope/)
  assert.match(await app.press(page, 'Refresh the tokens'), /new access token/)

  // The account page knows of the app and of what it may, and takes it back.
  const account = await page.context().newPage()
  await account.goto(GRANTD + '/account')
  const entry = account.getByRole('listitem').filter({ has: account.getByRole('heading', { name: app.name }) })
  const said = await entry.innerText()
  assert.match(said, app.me)
  assert.doesNotMatch(said, app.items)
  assert.match(said, /Last used[^]*127\.0\.0\.1/)
  await entry.getByRole('button', { name: 'Revoke' }).click()
  await account.getByRole('status').waitFor()
  assert.equal(await entry.count(), 0)

  // The app can do nothing more, and says so.
  assert.match(await app.press(page, 'List my items'), /401[^]*invalid_token/)
  assert.match(await app.press(page, 'Refresh the tokens'), /invalid_grant/)
  await page.getByRole('button', { name: 'Sign in again' }).click()
  await see(page, `Allow ${app.name}?`) // what was revoked is asked for again
})
