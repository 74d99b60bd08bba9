// Swagger UI: its Authorize button, by password and by code, and "Try it out" on every route.
import assert from 'node:assert/strict'
import { walk, signIn, see, allow, GRANTD } from './walk.mjs'

// openDocs opens the page, with no token.
async function openDocs(page) {
  await page.goto(GRANTD + '/docs')
  await page.locator('.opblock').first().waitFor()
}

// authorize ticks scopes in the box of one flow and presses its button; log in is what remains to be done.
async function authorize(page, flow, scopes, logIn) {
  await page.locator('.scheme-container button.authorize').click()
  const box = page.locator('.auth-container').filter({ hasText: `Flow: ${flow}` })
  for (const scope of scopes) await box.locator('.scopes label').filter({ has: page.getByText(scope, { exact: true }) }).click()
  await logIn(box, () => box.locator('button.authorize').click())
  await box.getByText('Authorized', { exact: true }).waitFor()
  await page.locator('.modal-ux .close-modal').click()
}

// tryOut runs a route with those fields and gives the status and all that Swagger UI shows of the answer.
async function tryOut(route, fields) {
  const fold = route.locator('.opblock-summary-control')
  await fold.click()
  const begin = route.getByRole('button', { name: 'Try it out' }) // gone the second time
  const execute = route.getByRole('button', { name: 'Execute' })
  await begin.or(execute).first().waitFor()
  if (await begin.isVisible()) await begin.click()
  const clear = route.getByRole('button', { name: 'Clear' })
  if (await clear.isVisible()) await clear.click()
  const json = route.locator('textarea.body-param__text')
  if (fields && await json.isVisible()) await json.fill(JSON.stringify(fields))
  else for (const [name, value] of Object.entries(fields ?? {})) {
    const field = route.locator(`[data-property-name="${name}"]`).locator('input:not([type=checkbox]), select')
    if (await field.evaluate((e) => e.tagName === 'SELECT')) await field.selectOption(value)
    else await field.fill(value)
  }
  await execute.click()
  const answer = route.locator('.live-responses-table')
  await answer.waitFor()
  const said = await answer.innerText()
  const status = Number((await answer.locator('.response-col_status').last().innerText()).match(/\d+/))
  await fold.click()
  assert.doesNotMatch(said, /Failed to fetch|NetworkError/)
  return { status, said }
}

const route = (page, method, path) => page.locator(`.opblock-${method}`).filter({ has: page.locator(`[data-path="${path}"]`) })

await walk(async (somebody, complaints) => {
  const page = await somebody({ viewport: { width: 1200, height: 1000 } })
  await openDocs(page)
  assert.equal((await tryOut(route(page, 'get', '/users/me/'))).status, 401)
  await authorize(page, 'password', ['me'], async (box, press) => {
    await box.locator('#oauth_username').fill('johndoe')
    await box.locator('#oauth_password').fill('secret')
    await press()
  })
  assert.match((await tryOut(route(page, 'get', '/users/me/'))).said, /johndoe@example.com/)
  assert.equal((await tryOut(route(page, 'get', '/users/me/items/'))).status, 403) // that scope was not ticked

  await openDocs(page)
  await authorize(page, 'authorizationCode with PKCE', ['me', 'items', 'items:write', 'openid'], async (_, press) => {
    const opening = page.waitForEvent('popup')
    await press()
    const popup = await opening
    await signIn(popup)
    await see(popup, /^Allow grantd's API page and tools/)
    const closing = popup.waitForEvent('close')
    await allow(popup)
    await closing
  })

  // Every route answers, and does what it is for.
  const asked = { grant_type: 'password', username: 'johndoe', password: 'secret', scope: 'me' }
  const { said: tokens } = await tryOut(route(page, 'post', '/token'), asked)
  const refresh_token = tokens.match(/"refresh_token": "([^"]+)"/)?.[1]
  const token = tokens.match(/"access_token": "([^"]+)"/)?.[1]
  assert.ok(refresh_token && token, tokens)
  const special = {
    'POST /token': { fields: asked },
    'POST /refresh': { fields: { refresh_token } },
    'POST /introspect': { fields: { token, client_id: 'dev-service', client_secret: 'dev-service-secret' } },
    'POST /revoke': { fields: { token, client_id: 'dev' } },
    'POST /users/': { want: 201 },
    'POST /users/me/items/': { want: 201 },
  }
  const blocks = page.locator('.opblock')
  const names = await blocks.evaluateAll((all) => all.map((b) =>
    b.querySelector('.opblock-summary-method').textContent + ' ' + b.querySelector('[data-path]').dataset.path))
  assert.ok(names.length > 20, `${names}`)
  for (const [i, name] of names.entries()) {
    const { fields, want = 200 } = special[name] ?? {}
    const { status, said } = await tryOut(blocks.nth(i), fields)
    assert.equal(status, want, `${name}: ${said}`)
  }
  const refused = /^Failed to load resource: the server responded with a status of 40[13]/ // which were wanted above
  complaints.splice(0, Infinity, ...complaints.filter((c) => !refused.test(c)))
})
