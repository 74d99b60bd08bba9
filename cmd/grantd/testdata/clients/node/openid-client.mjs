// A native app: openid-client v6, no secret.
import * as client from 'openid-client'
import { visit, done, ISSUER, CLIENT_ID, SCOPE, REDIRECT_URI, GOODBYE } from './visit.mjs'

const config = await client.discovery(
  new URL(ISSUER), CLIENT_ID, { id_token_signed_response_alg: 'ES256' }, client.None(),
  { execute: [client.allowInsecureRequests] }, // http, on this machine alone
)

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const callback = await visit(client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: SCOPE,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
}))
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
})
const { sub } = tokens.claims()

const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub)
const api = async (token) => {
  const answer = await client.fetchProtectedResource(config, token, new URL(ISSUER + '/users/me/'), 'GET')
  return (await answer.json()).username
}
const username = await api(tokens.access_token)

const again = await client.refreshTokenGrant(config, tokens.refresh_token)
const refreshed = await api(again.access_token)

const state = client.randomState()
const goodbye = await visit(client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token, post_logout_redirect_uri: GOODBYE, state,
}))
if (goodbye.searchParams.get('state') !== state) throw new Error(`another state: ${goodbye}`)

await client.tokenRevocation(config, again.refresh_token)
const refused = await client.refreshTokenGrant(config, again.refresh_token).catch((e) => e.error)

done({ sub, userinfo, username, refreshed, refused })
