// Hands on the keyboard alone: Tab, space and Enter.
import assert from 'node:assert/strict'
import { walk, see, DEMO } from './walk.mjs'
import { app } from './app.mjs'

// tabTo goes on until the element has the focus, which must show.
async function tabTo(page, wanted) {
  for (let i = 0; i < 30; i++) {
    if (await wanted.evaluate((e) => e === document.activeElement)) {
      const seen = await wanted.evaluate((e) => {
        const s = getComputedStyle(e)
        return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none'
      })
      return assert.ok(seen, `the focus does not show on ${wanted}`)
    }
    await page.keyboard.press('Tab')
  }
  assert.fail(`Tab never comes to ${wanted}`)
}

await walk(async (somebody) => {
  const page = await somebody()
  await page.goto(DEMO + '/')
  await tabTo(page, app.beginner(page))
  await page.keyboard.press('Enter')

  await see(page, 'Sign in')
  await tabTo(page, page.getByLabel('Username or email'))
  await page.keyboard.type('johndoe')
  await tabTo(page, page.getByLabel('Password', { exact: true }))
  await page.keyboard.type('secret')
  await page.keyboard.press('Enter')

  await see(page, /^Allow/)
  const items = page.getByLabel(app.items)
  await tabTo(page, items)
  await page.keyboard.press('Space')
  assert.equal(await items.isChecked(), false)
  await tabTo(page, page.getByRole('button', { name: 'Allow' }))
  await page.keyboard.press('Enter')
  await app.signedIn(page)
})
