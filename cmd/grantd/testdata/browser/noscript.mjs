// No script runs: signing in and consenting need none.
import assert from 'node:assert/strict'
import { walk, signIn, see, allow } from './walk.mjs'
import { app } from './app.mjs'

await walk(async (somebody) => {
  const page = await somebody({ javaScriptEnabled: false })
  await app.open(page)
  await signIn(page, 'johndoe', 'wrong')
  await page.getByRole('alert').waitFor()
  await signIn(page)
  await see(page, /^Allow/)
  await page.getByLabel(app.items).uncheck()
  await allow(page)
  await app.signedIn(page)
  assert.ok(!(await app.allowed(page)).includes('items'))
})
