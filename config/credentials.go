package config

import (
	"os"
	"path/filepath"
	"strings"
)

// credentialsEnv is where systemd tells a service the folder of its credentials (systemd.exec(5)).
const credentialsEnv = "CREDENTIALS_DIRECTORY"

// Names of systemd credentials. One is used where nothing else gives the secret.
const (
	masterCredential   = "grantd.master_key"
	sharedCredential   = "grantd.shared_secret"
	databaseCredential = "grantd.database"
)

// takeSecrets fills in what lies in files: c has what all sources give, and base what none of them does.
func takeSecrets(c *Config, base Config, environ []string) (p Problems) {
	c.credentials = credentialsIn(environ)
	if c.MasterKey == "" && c.MasterKeyFile == "" {
		c.MasterKeyFile = c.credential(masterCredential)
	}
	if c.Tokens.SharedSecret == "" && c.Tokens.SharedSecretFile == "" {
		c.Tokens.SharedSecretFile = c.credential(sharedCredential)
	}
	elsewhere := c.Database != base.Database && c.Database != ""
	if !elsewhere && c.DatabaseFile == "" {
		c.DatabaseFile = c.credential(databaseCredential)
	}
	c.take(&p, "database", &c.Database, c.DatabaseFile, elsewhere)
	c.take(&p, "tokens.shared_secret", &c.Tokens.SharedSecret, c.Tokens.SharedSecretFile, c.Tokens.SharedSecret != "")
	return p
}

// take reads the value of a setting from the file that its …_file names.
func (c *Config) take(p *Problems, key string, value *string, file string, elsewhere bool) {
	switch {
	case file == "":
		return
	case elsewhere:
		p.add(key, key+" and "+key+"_file are both given", "remove one")
		return
	}
	text, problem := readSecret(key+"_file", file, c.credentials)
	if problem == nil && text == "" {
		problem = &Problem{key + "_file " + quote(file), "the file is empty", "put the value of " + key + " into it"}
	}
	if problem != nil {
		*p = append(*p, *problem)
		return
	}
	*value = text
}

func credentialsIn(environ []string) (folder string) {
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); name == credentialsEnv {
			folder = value
		}
	}
	return folder
}

// credential is the path of a credential, empty if there is none.
func (c *Config) credential(name string) string {
	if c.credentials == "" {
		return ""
	}
	path := filepath.Join(c.credentials, name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// withoutSecretsOfFiles is c as the sources give it: what a file holds is told by its path.
func (c Config) withoutSecretsOfFiles() Config {
	if c.DatabaseFile != "" {
		c.Database = ""
	}
	if c.Tokens.SharedSecretFile != "" {
		c.Tokens.SharedSecret = ""
	}
	return c
}
