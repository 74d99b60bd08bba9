// A web app with a secret: oauth4webapi.
import * as oauth from 'oauth4webapi'
import { visit, done, ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, REDIRECT_URI, GOODBYE } from './visit.mjs'

const http = { [oauth.allowInsecureRequests]: true } // on this machine alone
const issuer = new URL(ISSUER)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...http }))
// The same server by RFC 8414, whose well-known part comes before the path of the issuer.
const same = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }))
if (same.token_endpoint !== as.token_endpoint) throw new Error('two kinds of metadata, two servers')

const client = { client_id: CLIENT_ID }
const auth = oauth.ClientSecretPost(CLIENT_SECRET)

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const url = new URL(as.authorization_endpoint)
for (const [name, value] of Object.entries({
  client_id: CLIENT_ID, redirect_uri: REDIRECT_URI, response_type: 'code', scope: SCOPE, state, nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})) url.searchParams.set(name, value)

const params = oauth.validateAuthResponse(as, client, await visit(url), state) // iss, too: RFC 9207
const answer = await oauth.authorizationCodeGrantRequest(as, client, auth, params, REDIRECT_URI, verifier, http)
const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true })
await oauth.validateApplicationLevelSignature(as, answer, http)
const { sub } = oauth.getValidatedIdTokenClaims(tokens)

const userinfo = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, http))
const api = async (token) => {
  const answer = await oauth.protectedResourceRequest(token, 'GET', new URL(ISSUER + '/users/me/'), undefined, undefined, http)
  return (await answer.json()).username
}
const username = await api(tokens.access_token)

const refresh = async (token) =>
  oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, token, http))
const again = await refresh(tokens.refresh_token)
const refreshed = await api(again.access_token)

const end = new URL(as.end_session_endpoint)
end.searchParams.set('id_token_hint', tokens.id_token)
end.searchParams.set('post_logout_redirect_uri', GOODBYE)
end.searchParams.set('state', state)
const goodbye = await visit(end)
if (goodbye.searchParams.get('state') !== state) throw new Error(`another state: ${goodbye}`)

await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, again.refresh_token, http))
const refused = await refresh(again.refresh_token).catch((e) => e.error)

done({ sub, userinfo, username, refreshed, refused })
