// What people do in the demo app.
import assert from 'node:assert/strict'
import { DEMO } from './walk.mjs'

export const app = {
  name: 'Demo app',
  // What consent and the account page say of scopes.
  me: /Read your profile/,
  items: /Read your items/,
  write: /Create items/,

  // open goes to the app and from there to grantd.
  async open(page) {
    await page.goto(DEMO + '/')
    await app.beginner(page).click()
  },
  beginner: (page) => page.getByRole('button', { name: 'Sign in with grantd' }),

  // signedIn waits until the app greets somebody.
  async signedIn(page, name = 'John Doe') {
    await page.getByRole('heading', { level: 1, name: `Hello, ${name}` }).waitFor()
    assert.equal(page.url(), DEMO + '/')
  },

  // press does what a button of the app is for, and gives what the app says of it.
  async press(page, button) {
    await page.getByRole('button', { name: button }).click()
    await page.locator('.result').waitFor()
    return page.locator('.result').innerText()
  },

  // allowed are the scopes that the app has.
  allowed: (page) => page.getByRole('region', { name: 'What you allowed' }).getByRole('listitem').allInnerTexts(),
}
