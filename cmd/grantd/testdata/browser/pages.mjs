// Every page that people see: axe finds nothing on it, in light and in dark, and a phone of 320 pixels needs no
// scrolling sideways. The same way makes the pictures of docs/screenshots.
import { walk, signIn, see, allow, accessible, narrow, shoot, GRANTD, DEMO } from './walk.mjs'
import { app } from './app.mjs'

async function look(page, name, picture = { fullPage: true }) {
  await shoot(page, name, picture)
  await narrow(page)
  await accessible(page)
}

await walk(async (somebody) => {
  const page = await somebody({ viewport: { width: 800, height: 600 } })
  await page.goto(GRANTD + '/')
  await look(page, 'start')
  await page.goto(DEMO + '/')
  await look(page, 'demo')

  await app.beginner(page).click()
  await see(page, 'Sign in')
  await look(page, 'sign-in')
  await signIn(page, 'johndoe', 'wrong')
  await page.getByRole('alert').waitFor()
  await look(page, 'sign-in-refused')

  await page.getByRole('link', { name: 'Create an account' }).click()
  await see(page, 'Create an account')
  await look(page, 'sign-up')
  await page.locator('form').evaluate((form) => { form.noValidate = true })
  await page.getByLabel('Username').fill('no spaces please')
  await page.getByLabel('Email').fill('nowhere')
  await page.getByLabel('Password').fill('short')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('alert').waitFor()
  await look(page, 'sign-up-refused')
  await page.getByRole('link', { name: 'Sign in' }).click()

  await signIn(page)
  await see(page, /^Allow/)
  await look(page, 'consent')
  const request = page.url()
  await allow(page)
  await app.signedIn(page)
  await look(page, 'demo-signed-in', {}) // its upper part

  await page.goto(request + '&prompt=select_account')
  await see(page, 'Choose an account')
  await look(page, 'choose')
  await page.goto(GRANTD + '/authorize?client_id=nobody')
  await page.getByRole('heading', { level: 1 }).waitFor()
  await look(page, 'error')
  await page.goto(GRANTD + '/account')
  await see(page, 'Your account')
  await look(page, 'account', { fullPage: true, clip: { x: 0, y: 0, width: 800, height: 960 } }) // without the password

  await page.goto(GRANTD + '/logout')
  await see(page, /^Sign out/)
  await look(page, 'sign-out')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await see(page, 'You are signed out')
  await look(page, 'signed-out')

  // A phone at night, and the page that is the longest.
  const phone = await somebody({ viewport: { width: 360, height: 780 }, deviceScaleFactor: 1.5, isMobile: true, colorScheme: 'dark' })
  await app.open(phone)
  await signIn(phone)
  await app.signedIn(phone)
  await phone.goto(request + '&prompt=consent')
  await see(phone, /^Allow/)
  await shoot(phone, 'consent-phone-dark')
  await phone.goto(GRANTD + '/account')
  await see(phone, 'Your account')
  await shoot(phone, 'account-phone-dark')
})
