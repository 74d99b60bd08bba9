package server_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"golang.org/x/crypto/bcrypt"
)

// imported are hashes of password as other systems made them: passlib 1.7.4,
// Django 5.2, glibc's crypt(3).
var imported = []struct{ name, hash string }{
	{"passlib bcrypt", "$2b$04$mOl202wLi3v.Rmq9Ma2UAurEUeQBsYUD8XxogiPP/1b.Laudq8Zbi"},
	{"passlib bcrypt, older", "$2a$04$hzgHlVG8bV4Bio60zFusCu7lGXWXNTXHLE.qwNe9Nis4tfQGCVqBm"},
	{"PHP password_hash", "$2y$04$Aa8EvSrqHL8x5Z950yYWZeBvqx/5GcPAnqj5lfVc4XNCOQ9kS7K0O"},
	{"passlib pbkdf2_sha256", "$pbkdf2-sha256$1000$p1RqTSnlfC9FyLlXqhVCyA$pPhDVn840FwEBbbT3HQ1RC8k6Wa5cRGFwmcbdcvED/A"},
	{"passlib pbkdf2_sha1", "$pbkdf2$1000$f691zpnTuhei1BrjXEtp7Q$FsPULu63/Ac/sYGLsR0BB0gXph8"},
	{"passlib pbkdf2_sha512", "$pbkdf2-sha512$1000$JyTk3Nt7D4Ewxvj/33uvlQ$mcWgeHnjq6y54ZGTdz1fI9AW/nWvl5.bbaL41k3jsCIOYj3hk3kBm1g9d6beZh3YSXPbYnnsgjiPJNbzt5D.6A"},
	{"passlib argon2id", "$argon2id$v=19$m=64,t=2,p=2$HIPwXmsN4TyHcC6F8J6T0g$nu1CUZPL5FNxImJohPUfGsyL7WCC+/eRI4gC5Lm3wZo"},
	{"passlib argon2i", "$argon2i$v=19$m=64,t=2,p=2$GqO0dq61FiIkROids9b6Pw$DHy4KpzG+FNyl9EZhVMUvpLelQ+qTxPAcG/R629xWQM"},
	{"passlib scrypt", "$scrypt$ln=4,r=8,p=1$MOacE4IQwlgLASBkDAGAcA$0XVjaKZvgIgZy46xODLq59EBXWRQuyPwb/yAex9HZD4"},
	{"passlib sha512_crypt", "$6$rounds=1000$XEHd3GXUWDHkWORj$OqXn26Cm5IokoIBsHzOYPVPA7OyJw2g5KTWTeFwbNZhk2/bxsavwwyk7k0vBy/lqzPhl5xigRdvQVm166pJnP/"},
	{"passlib sha256_crypt", "$5$rounds=1000$QUrIoeBIgXy3fagA$zn51qzn0DHeLlPXtkBZgT0Nl8dtbz5GOFiS539pywND"},
	{"crypt(3) SHA-512 without rounds", "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/"},
	{"Django pbkdf2_sha256", "pbkdf2_sha256$1000$sEaSalt0$H71mabBvrq9nAxunbpgpptxOweBpGVm4bsaY8Y/duCU="},
	{"Django pbkdf2_sha1", "pbkdf2_sha1$1000$sEaSalt0$gsPZbhWHHMkCb7SM3CkvG9oQSD0="},
	{"Django scrypt", "scrypt$16$sEaSalt0$8$1$zmz6lglPzLHlTD2qT/a5MVt/oiZzrwLmUbErD3atFQv7ungZ2P1s8b2bcnd2325An7Dw0rTvUiBZyCcBrIeRfA=="},
	{"Django bcrypt", "bcrypt$$2b$04$1sN4wfoQ5/wV72Slq0ViR.GGOnrSuccPRHuJv0FTTZTFrLZVIjVMe"},
	{"Django argon2", "argon2$argon2id$v=19$m=64,t=2,p=2$c0VhU2FsdDBzRWFTYWx0MA$LTzgcRmCd7+e+IDeHsOPVaSvaqKiyJfutpraOBni2Ws"},
	{"a line's end", "$2b$04$mOl202wLi3v.Rmq9Ma2UAurEUeQBsYUD8XxogiPP/1b.Laudq8Zbi\r\n"},
}

// Each logs in, is hashed anew, and logs in again; authorizations go on.
func TestImportedUserLogsIn(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.BcryptCost = 5 })
	for i, c := range imported {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			name := fmt.Sprintf("user%d", i)
			hash, err := server.ImportHash(c.hash)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.db.CreateUser(t.Context(), store.User{ID: "u-" + name, Username: name, PasswordHash: hash}); err != nil {
				t.Fatal(err)
			}
			login := func(secret string) reply {
				return s.post("/token", form("grant_type", "password", "client_id", "app", "username", name, "password", secret, "scope", "me"))
			}
			stored := func() string {
				t.Helper()
				u, err := s.db.User(t.Context(), "u-"+name)
				if err != nil {
					t.Fatal(err)
				}
				return u.PasswordHash
			}
			for _, wrong := range []string{password + " ", "Correct horse", "x"} {
				login(wrong).wantError(t, http.StatusBadRequest, "invalid_grant")
			}
			if stored() != hash {
				t.Error("a wrong password was hashed anew")
			}
			first := login(password)
			first.wantOK(t)
			rehashed := stored()
			if cost, err := bcrypt.Cost([]byte(rehashed)); err != nil || cost != 5 {
				t.Errorf("hashed anew as %q", rehashed)
			}
			login(password).wantOK(t)
			if stored() != rehashed {
				t.Error("hashed anew twice")
			}
			login("x").wantError(t, http.StatusBadRequest, "invalid_grant")
			s.refresh(first.str("refresh_token")).wantOK(t)
		})
	}
}

func TestImportHashRefuses(t *testing.T) {
	const (
		salt22, hash43 = "p1RqTSnlfC9FyLlXqhVCyA", "pPhDVn840FwEBbbT3HQ1RC8k6Wa5cRGFwmcbdcvED/A"
		bcrypt53       = "mOl202wLi3v.Rmq9Ma2UAurEUeQBsYUD8XxogiPP/1b.Laudq8Zbi"
		sha43          = "zn51qzn0DHeLlPXtkBZgT0Nl8dtbz5GOFiS539pywND"
		behind         = "$" + salt22 + "$" + hash43
	)
	for _, c := range []struct{ name, hash string }{
		{"nothing", ""},
		{"dollars", "$$$$$$"},
		{"plain text", "correct horse"},
		{"MD5", "$1$5pZSV9va$azfrPr6af3Fc7dLblQXVa0"},
		{"Django MD5", "md5$sEaSalt0$1daa213036a3e9683adebb63b3f3be20"},
		{"Django unusable password", "!"},
		{"Django bcrypt_sha256, which hashes before", "bcrypt_sha256$$2b$04$yuYXMqRXXhqTxKa2ObnineyllK6JDdg9lbQNBeDAOsKyrYypGKBrS"},
		{"yescrypt", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"},
		{"LDAP's prefix", "{CRYPT}$2b$04$" + bcrypt53},
		{"passlib bcrypt_sha256, which hashes before", "$bcrypt-sha256$v=2,t=2b,r=4$ZAwXAUyjX9xrAEK5pIdY4.$SVItz5Fnp537m/tNnq/KWcuFN/dUp32"},
		{"bcrypt of the sign bug", "$2x$04$" + bcrypt53},
		{"bcrypt cost 3", "$2b$03$" + bcrypt53},
		{"bcrypt cost 15", "$2b$15$" + bcrypt53},
		{"bcrypt cost 99", "$2b$99$" + bcrypt53},
		{"bcrypt short", "$2b$04$" + bcrypt53[1:]},
		{"bcrypt long", "$2b$04$" + bcrypt53 + "."},
		{"bcrypt outside its alphabet", "$2b$04$" + strings.Repeat("!", 53)},
		{"bcrypt over two lines", "$2b$04$" + bcrypt53[:30] + "\n" + bcrypt53[31:]},
		{"PBKDF2, no iterations", "$pbkdf2-sha256$0" + behind},
		{"PBKDF2, iterations negative", "$pbkdf2-sha256$-1" + behind},
		{"PBKDF2, iterations with a sign", "$pbkdf2-sha256$+1000" + behind},
		{"PBKDF2, hours", "$pbkdf2-sha256$999999999" + behind},
		{"PBKDF2, past 64 bits", "$pbkdf2-sha256$99999999999999999999999" + behind},
		{"PBKDF2, a key of a thousand blocks", "$pbkdf2-sha256$1000$" + salt22 + "$" + strings.Repeat("A", 43_000)},
		{"PBKDF2, no key", "$pbkdf2-sha256$1000$" + salt22 + "$"},
		{"PBKDF2, no base64", "$pbkdf2-sha256$1000$" + salt22 + "$AAAAAAAAAAAAAAAAA"},
		{"Django PBKDF2, hours", "pbkdf2_sha256$999999999$salt$H71mabBvrq9nAxunbpgpptxOweBpGVm4bsaY8Y/duCU="},
		{"Django PBKDF2, part missing", "pbkdf2_sha256$1000$H71mabBvrq9nAxunbpgpptxOweBpGVm4bsaY8Y/duCU="},
		{"argon2, no memory", "$argon2id$v=19$m=0,t=2,p=2" + behind},
		{"argon2, no passes", "$argon2id$v=19$m=64,t=0,p=2" + behind},
		{"argon2, no lanes", "$argon2id$v=19$m=64,t=2,p=0" + behind},
		{"argon2, less memory than lanes need", "$argon2id$v=19$m=15,t=2,p=2" + behind},
		{"argon2, 512 MiB", "$argon2id$v=19$m=524288,t=1,p=1" + behind},
		{"argon2, 4 TiB", "$argon2id$v=19$m=4294967295,t=1,p=1" + behind},
		{"argon2, 256 MiB five times", "$argon2id$v=19$m=262144,t=5,p=1" + behind},
		{"argon2, a million passes", "$argon2id$v=19$m=64,t=1000000,p=1" + behind},
		{"argon2, a thousand lanes", "$argon2id$v=19$m=65536,t=1,p=1000" + behind},
		{"argon2, memory twice", "$argon2id$v=19$m=64,m=4194304,t=1,p=1" + behind},
		{"argon2, other order", "$argon2id$v=19$t=2,m=64,p=2" + behind},
		{"argon2, memory left out", "$argon2id$v=19$t=2,p=2" + behind},
		{"argon2, old version", "$argon2id$v=16$m=64,t=2,p=2" + behind},
		{"argon2, tag too short", "$argon2id$v=19$m=64,t=2,p=2$" + salt22 + "$AAAA"},
		{"scrypt, no work", "$scrypt$ln=0,r=8,p=1" + behind},
		{"scrypt, no blocks", "$scrypt$ln=4,r=0,p=1" + behind},
		{"scrypt, no lanes", "$scrypt$ln=4,r=8,p=0" + behind},
		{"scrypt, 2^63", "$scrypt$ln=63,r=8,p=1" + behind},
		{"scrypt, sign", "$scrypt$ln=+4,r=8,p=1" + behind},
		{"scrypt, 512 MiB", "$scrypt$ln=19,r=8,p=1" + behind},
		{"scrypt, 256 MiB five times", "$scrypt$ln=18,r=8,p=5" + behind},
		{"scrypt, work left out", "$scrypt$r=8,p=1" + behind},
		{"Django scrypt, no power of two", "scrypt$17$salt$8$1$zmz6lglPzLHlTD2qT/a5MVt/oiZzrwLmUbErD3atFQv7ungZ2P1s8b2bcnd2325An7Dw0rTvUiBZyCcBrIeRfA=="},
		{"Django scrypt, no work", "scrypt$0$salt$8$1$zmz6lglPzLHlTD2qT/a5MVt/oiZzrwLmUbErD3atFQv7ungZ2P1s8b2bcnd2325An7Dw0rTvUiBZyCcBrIeRfA=="},
		{"Django scrypt, huge", "scrypt$9223372036854775808$salt$8$1$zmz6lglPzLHlTD2qT/a5MVt/oiZzrwLmUbErD3atFQv7ungZ2P1s8b2bcnd2325An7Dw0rTvUiBZyCcBrIeRfA=="},
		{"SHA-crypt, no rounds", "$5$rounds=0$salt$" + sha43},
		{"SHA-crypt, fewer than there are", "$5$rounds=999$salt$" + sha43},
		{"SHA-crypt, hours", "$5$rounds=999999999$salt$" + sha43},
		{"SHA-crypt, past 32 bits", "$5$rounds=9999999999$salt$" + sha43},
		{"SHA-crypt, rounds with a sign", "$5$rounds=+5000$salt$" + sha43},
		{"SHA-crypt, cut short", "$5$salt$" + sha43[1:]},
		{"10 MB", "$5$" + strings.Repeat("x", 10<<20) + "$" + sha43},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := server.ImportHash(c.hash)
			if err == nil || got != "" {
				t.Fatalf("taken as %.80q", got)
			}
			if len(c.hash) > 8 && strings.Contains(err.Error(), c.hash[:8]) {
				t.Errorf("the error repeats the hash: %v", err)
			}
		})
	}
}

var costs = regexp.MustCompile(`(\$2[aby]\$|ln=|\$pbkdf2[^$]*\$|[,$](?:m|t|p|r|rounds)=)(\d+)`)

// cheap reports whether a hash that was taken is checked in a moment.
func cheap(hash string) bool {
	work := 1
	for _, p := range costs.FindAllStringSubmatch(hash, -1) {
		n, _ := strconv.Atoi(p[2])
		if p[1] == "ln=" || strings.HasPrefix(p[1], "$2") { // logarithms
			n = 1 << n
		}
		work *= max(n, 1)
	}
	return work <= 10_000
}

func FuzzImportHash(f *testing.F) {
	for _, c := range imported {
		f.Add(c.hash)
	}
	f.Add("$argon2id$v=19$m=64,m=4194304,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, hash string) {
		taken, err := server.ImportHash(hash)
		if err != nil {
			if len(hash) > 8 && strings.Contains(err.Error(), hash) {
				t.Fatalf("the error repeats the hash: %v", err)
			}
			return
		}
		if again, err := server.ImportHash(taken); err != nil || again != taken {
			t.Fatalf("%q was taken as %q, and that as %q, error %v", hash, taken, again, err)
		}
		if cheap(taken) {
			server.Matches(taken, "some password") // must not panic
		}
	})
}
