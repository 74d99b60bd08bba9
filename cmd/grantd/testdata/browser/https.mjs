// Over https the cookies of a session and of a browser are ones that only this host can set and only https carries.
import assert from 'node:assert/strict'
import { walk, signIn, see, GRANTD } from './walk.mjs'

await walk(async (somebody) => {
  const page = await somebody({ ignoreHTTPSErrors: true }) // the certificate is self-made
  await page.goto(GRANTD + '/account')
  await signIn(page)
  await see(page, 'Your account')
  const cookies = await page.context().cookies()
  cookies.sort((a, b) => a.name.localeCompare(b.name))
  const common = { domain: '127.0.0.1', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' }
  const [device, session] = cookies
  const sent = ({ name, domain, path, secure, httpOnly, sameSite }) => ({ name, domain, path, secure, httpOnly, sameSite })
  assert.deepEqual(cookies.map(sent), [{ name: '__Host-grantd_device', ...common }, { name: '__Host-grantd_session', ...common }])
  // The one ends with the browser, the other tells the browser apart for half a year.
  assert.equal(session.expires, -1)
  const days = (device.expires - Date.now() / 1000) / 86400
  assert.ok(days > 179 && days <= 180, `${days} days`)
  assert.ok(session.value.length >= 43)
  assert.ok(device.value.length >= 43)
  assert.equal(await page.evaluate(() => document.cookie), '')
})
