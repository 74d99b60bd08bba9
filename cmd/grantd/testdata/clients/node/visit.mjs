// How the programs of this folder open a browser: the test that runs them has it.
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export async function visit(url) {
  console.log(`visit ${url.href}`)
  return new URL((await lines.next()).value)
}

export function done(report) {
  console.log(`done ${JSON.stringify(report)}`)
  process.exit()
}

export const { ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, REDIRECT_URI, GOODBYE } = process.env
