package token

// Private is the private half, or the secret.
func (k SigningKey) Private() any {
	if k.Alg == HS256 {
		return k.public
	}
	return k.private
}

// Public is the public half, or the secret.
func (k SigningKey) Public() any { return k.public }

// MACKey is the key of refresh tokens.
func (m *Master) MACKey() []byte { return m.refresh }

// SealPlain seals what is no private key.
func (m *Master) SealPlain(id string, plain []byte) []byte { return m.sealFor(id, plain) }

// FixedLength is a signature of ES256 out of ASN.1.
var FixedLength = fixedLength
