// What the walks of this folder share. Each is a program that a Go test runs against a server of its
// own: it fails with what went wrong and with pictures of every page that was open.
import { chromium } from 'playwright-core'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export const { GRANTD, DEMO, CHROMIUM, PICTURES } = process.env

const patience = 30_000 // milliseconds, for what should come at once

// walk runs a person's way through the pages, and then wants that no page complained.
export async function walk(way) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: process.getuid() !== 0, // which it refuses to make for root
    args: ['--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  })
  const complaints = []
  const contexts = []
  // somebody is a browser of their own, with cookies of their own.
  const somebody = async (options = {}) => {
    const context = await browser.newContext(options)
    contexts.push(context)
    context.setDefaultTimeout(patience)
    await listen(context, complaints)
    return context.newPage()
  }
  try {
    await way(somebody, complaints)
    assert.deepEqual(complaints, [], 'pages complained')
  } catch (e) {
    console.error(e.stack ?? e)
    for (const page of contexts.flatMap((c) => c.pages())) await picture(page)
    process.exitCode = 1
  } finally {
    await browser.close()
  }
}

// listen collects what a developer would see in the console: errors, and what the policy of a page forbids.
async function listen(context, complaints) {
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} forbids ${e.blockedURI}`)))
  const pages = new Set() // whose own status the console repeats
  context.on('response', (r) => r.request().isNavigationRequest() && pages.add(r.url()))
  context.on('console', (m) => {
    const status = m.text().startsWith('Failed to load resource') && pages.has(m.location().url)
    if (m.type() === 'error' && !status) complaints.push(`${m.text()} (${m.location().url})`)
  })
  context.on('weberror', (e) => complaints.push(String(e.error())))
}

let pictures = 0

async function picture(page) {
  const path = `${PICTURES}/${process.argv[1].split('/').pop()}.${++pictures}.png`
  const text = await page.locator('body').innerText().catch(String)
  await page.screenshot({ path, fullPage: true }).catch(String)
  console.error(`--- ${page.url()}\n    ${path}\n${text}`)
}

// signIn fills in the page that asks who somebody is.
export async function signIn(page, username = 'johndoe', password = 'secret') {
  await page.getByLabel('Username or email').fill(username)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

// signUp fills in the page that makes an account.
export async function signUp(page, username, password = 'correct horse battery') {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
}

// allow says yes on the page that asks for consent.
export const allow = (page) => page.getByRole('button', { name: 'Allow' }).click()

// see waits for a heading.
export const see = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor()

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

// accessible wants that axe finds nothing to say, in light and in dark. The page's policy lets no script in; a
// debugger's is not the page's.
export async function accessible(page) {
  const debug = await page.context().newCDPSession(page)
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const { result, exceptionDetails } = await debug.send('Runtime.evaluate', {
      expression: `${axe}; axe.run({ runOnly: ${JSON.stringify(rules)} })`, awaitPromise: true, returnByValue: true,
    })
    assert.equal(exceptionDetails, undefined, `axe on ${page.url()}`)
    const found = result.value.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html + ' ' + n.failureSummary).join('; ')}`)
    assert.deepEqual(found, [], `axe, ${colorScheme}, ${page.url()}`)
    assert.ok(result.value.passes.length > 5, `axe looked at nothing on ${page.url()}`)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await debug.detach()
}

// narrow wants that nobody has to scroll sideways on the smallest of phones.
export async function narrow(page) {
  const before = page.viewportSize()
  await page.setViewportSize({ width: 320, height: 640 })
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme })
    const width = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth))
    assert.ok(width <= 320, `${page.url()} is ${width} pixels wide`)
  }
  await page.setViewportSize(before)
}

const { GRANTD_SCREENSHOTS } = process.env

// shoot keeps a picture for the documents, where those are being made.
export async function shoot(page, name, options = {}) {
  if (!GRANTD_SCREENSHOTS) return
  await page.evaluate(() => document.activeElement?.blur())
  await page.screenshot({ path: `${GRANTD_SCREENSHOTS}/${name}.png`, animations: 'disabled', ...options })
}
