// An app that wants its answer as a form: by itself where scripts run, and by a button where none does.
import assert from 'node:assert/strict'
import { walk, signUp, see, allow, GRANTD, DEMO } from './walk.mjs'
import { app } from './app.mjs'

await walk(async (somebody) => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await somebody({ javaScriptEnabled })
    await app.open(page)
    await see(page, 'Sign in')
    const asked = new URL(page.url())
    asked.searchParams.set('response_mode', 'form_post')
    await page.goto(asked.href)
    await page.getByRole('link', { name: 'Create an account' }).click()
    await signUp(page, `scripts-${javaScriptEnabled}`)
    await see(page, /^Allow/)
    const sending = page.waitForRequest((r) => r.method() === 'POST' && r.url().startsWith(DEMO))
    await allow(page)
    if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click()
    const sent = await sending
    assert.equal(sent.url(), DEMO + '/callback')
    const answer = new URLSearchParams(sent.postData())
    assert.equal(answer.get('state'), asked.searchParams.get('state'))
    assert.equal(answer.get('iss'), GRANTD)
    assert.ok(answer.get('code').length >= 43)
    await page.waitForURL(DEMO + '/**')
  }
})
