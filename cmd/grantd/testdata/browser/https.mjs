// Over https the cookie of a session is one that only this host can set and only https carries.
import assert from 'node:assert/strict'
import { walk, signIn, see, GRANTD } from './walk.mjs'

await walk(async (somebody) => {
  const page = await somebody({ ignoreHTTPSErrors: true }) // the certificate is self-made
  await page.goto(GRANTD + '/account')
  await signIn(page)
  await see(page, 'Your account')
  const [cookie, ...more] = await page.context().cookies()
  assert.deepEqual(more, [])
  const { name, domain, path, secure, httpOnly, sameSite, expires } = cookie
  assert.deepEqual({ name, domain, path, secure, httpOnly, sameSite, expires }, {
    name: '__Host-grantd_session', domain: '127.0.0.1', path: '/', secure: true, httpOnly: true, sameSite: 'Lax', expires: -1,
  })
  assert.ok(cookie.value.length >= 43)
  assert.equal(await page.evaluate(() => document.cookie), '')
})
