// An authorization server of other people, as its README sets it up for development.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

let answer;
const server = createServer((req, res) => answer(req, res));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = (client_id, more) => ({
    client_id, redirect_uris: ['https://app.example/cb'], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], ...more,
  });
  const provider = new Provider(issuer, {
    clients: [client('app', { token_endpoint_auth_method: 'none' }), client('web', { client_secret: 'a secret of thirty characters.' })],
    features: { revocation: { enabled: true }, introspection: { enabled: true } },
  });
  answer = provider.callback();
  console.log(issuer);
});
