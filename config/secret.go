package config

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"posd/config/access"
)

// Secret is the text of a secret file. However it is printed, it prints masked; Reveal hands it out for use.
type Secret struct{ text string }

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return s.text }

// Empty tells whether there is none.
func (s Secret) Empty() bool { return s.text == "" }

const mask = "(secret)"

// String gives the mask.
func (s Secret) String() string { return mask }

// GoString gives the mask.
func (s Secret) GoString() string { return mask }

// Format gives the mask, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue gives the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON gives the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }

// MarshalText gives the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// Token lets a client use the API.
type Token struct {
	Client string // scopes sale ids
	Scope  string // "sell" or "supervisor"
	Value  Secret
}

// Secrets are what the files named in a configuration hold. Those of parts that are not enabled are empty.
type Secrets struct {
	Tokens      []Token
	SealKey     Secret            // 64 hex digits
	TMK         Secret            // 32 or 48 hex digits
	AcquirerKey Secret            // PEM
	Wallet      map[string]Secret // by wallet and key: "alipay.private_key_file"
}

// Secrets reads all secret files, and makes sure that the certificates and public keys can be read. It is a step of
// its own, so that a configuration can be looked at without its secrets. The error is Problems: every file that is
// missing, open to others or of the wrong form. Beside it stand those that could be read, for who looks for more that is wrong.
func (c *Config) Secrets() (Secrets, error) {
	r := &secretReader{problems: problems{source: c.source}}
	s := Secrets{
		SealKey: r.read("journal.seal_key_file", c.Journal.SealKeyFile, hexOf(64)),
		Tokens: []Token{
			{"till", "sell", r.read("api.sell_token_file", c.API.SellTokenFile, isToken)},
			{"supervisor", "supervisor", r.read("api.supervisor_token_file", c.API.SupervisorTokenFile, isToken)},
		},
	}
	for i, cl := range c.API.Clients {
		s.Tokens = append(s.Tokens, Token{cl.Name, cl.Scope, r.read(clientToken(i), cl.TokenFile, isToken)})
	}
	r.distinct(s.Tokens)
	if a := c.Acquirer; a.Enabled {
		s.TMK = r.read("acquirer.tmk_file", a.TMKFile, hexOf(32, 48))
		r.public("acquirer.dialect_file", a.DialectFile, nil)
		if a.TLS.Enabled {
			s.AcquirerKey = r.read("acquirer.tls.key_file", a.TLS.KeyFile, isPEM)
			r.public("acquirer.tls.ca_file", a.TLS.CAFile, isPEM)
			r.public("acquirer.tls.cert_file", a.TLS.CertFile, isPEM)
		}
	}
	s.Wallet = c.walletSecrets(r)
	return s, r.err()
}

// walletSecrets reads what the enabled wallets' keys name. A public file whose content nobody asks for is left to who opens it.
func (c *Config) walletSecrets(r *secretReader) map[string]Secret {
	out := map[string]Secret{}
	for name, s := range c.Wallet.Providers {
		if !s.Common().Enabled {
			continue
		}
		for key, f := range fieldsOf(reflect.ValueOf(s).Elem()) {
			at, form := join(name, key), forms[f.tag.Get("holds")]
			_, wanted := f.tag.Lookup("holds")
			switch file := f.tag.Get("file"); {
			case file == "secret":
				out[at] = r.read(join("wallet", at), f.value.String(), form)
			case file == "public" && wanted:
				r.public(join("wallet", at), f.value.String(), form)
			}
		}
	}
	return out
}

// forms are what the tag holds may say of a file.
var forms = map[string]func(string) string{"pem": isPEM, "token": isToken, "key32": isKey32, "text": nil}

// secretReader reads files and collects what is wrong with them. No content ever gets into a problem.
type secretReader struct{ problems }

// read gives the text of a secret file, without the white space around it.
func (r *secretReader) read(key, path string, check func(string) string) Secret {
	if path == "" {
		return Secret{}
	}
	if !r.private(key, path, check) {
		return Secret{}
	}
	return Secret{r.public(key, path, check)}
}

// public reads a file that need not be private.
func (r *secretReader) public(key, path string, check func(string) string) string {
	if path == "" {
		return ""
	}
	b, err := readLimited(path)
	if err != nil {
		r.unreadable(key, path, err, check)
		return ""
	}
	text := SecretText(b)
	if text == "" {
		r.add(key, path+" is empty", "put the value into it"+wanted(check))
		return ""
	}
	if check != nil {
		if want := check(text); want != "" {
			r.add(key, "the content of "+path+" does not fit", "want "+want)
			return ""
		}
	}
	return text
}

// SecretText is what a file with a secret says, without the white space around it and the mark that editors of Windows put in
// front of it (U+FEFF).
func SecretText(b []byte) string { return strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")) }

// wanted completes a remedy with what a file must hold.
func wanted(check func(string) string) string {
	if check == nil {
		return ""
	}
	return ": " + check("")
}

// make64 makes what posd's own secrets hold: a token, or a sealing key.
func make64(path string) string {
	if runtime.GOOS == "windows" {
		return "write 64 hex digits that nobody can guess into it"
	}
	return "(umask 077; openssl rand -hex 32 > " + path + ")"
}

// noName is a name that nobody gives to a file: 32 letters and digits are a key.
var noName = regexp.MustCompile(`^[0-9A-Za-z]{32,}$`)

// keyMarks stand between the digits of keys that are pasted: in groups, or in base64.
var keyMarks = strings.NewReplacer(" ", "", "\t", "", "-", "", "_", "", "+", "", "/", "", "=", "", ":", "")

// looksSecret tells of a value that is a key rather than a name, however its digits are grouped.
func looksSecret(value string) bool { return noName.MatchString(keyMarks.Replace(value)) }

// longestName bounds the paths that are shown; a private key on one line is longer.
const longestName = 512

// isNoName tells of a secret that stands where its file's name should: as the configuration has it, because base64 may look
// like folders. In a folder that is there only the plainest keys are taken for one.
func (r *secretReader) isNoName(path string) bool {
	if len(path) > longestName || strings.ContainsAny(path, "\r\n") || noName.MatchString(filepath.Base(path)) {
		return true
	}
	home, _ := filepath.Abs(filepath.Dir(r.source.file)) // Load has asked before
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err == nil && info.IsDir() && folder != home && folder != filepath.Dir(folder) {
		return false
	}
	return looksSecret(filepath.ToSlash(strings.TrimPrefix(path, home+string(filepath.Separator))))
}

func (r *secretReader) unreadable(key, path string, err error, check func(string) string) {
	switch missing := errors.Is(err, os.ErrNotExist); {
	case r.isNoName(path):
		r.add(key, "there is no such file, and its name, which is not shown here, looks like a secret itself", "put that into a file, and the file's name here")
	case missing && key == "journal.seal_key_file":
		r.add(key, path+" is missing", "put its copy back; for a new till make it: "+make64(path))
	case missing && strings.HasPrefix(key, "api."):
		r.add(key, path+" is missing", "correct the name, or make it: "+make64(path))
	case missing:
		r.add(key, path+" is missing", "correct the name, or put the file there"+wanted(check))
	case errors.Is(err, os.ErrPermission):
		r.add(key, path+" cannot be read", "let it belong to the user that posd runs as")
	default:
		r.add(key, oneLine(err.Error()), "make it a file that posd can read")
	}
}

// private wants a file that only its owner can read. What the service manager hands over is protected by its folder.
func (r *secretReader) private(key, path string, check func(string) string) bool {
	info, err := os.Stat(path)
	if err != nil {
		r.unreadable(key, path, err, check)
		return false
	}
	if info.IsDir() {
		r.add(key, path+" is a folder", "name the file in it"+wanted(check))
		return false
	}
	if !info.Mode().IsRegular() {
		r.add(key, path+" is no file", "name the file that has it"+wanted(check))
		return false
	}
	if runtime.GOOS == "windows" {
		return r.closed(key, path)
	}
	if handed := os.Getenv("CREDENTIALS_DIRECTORY"); handed != "" && filepath.Dir(path) == filepath.Clean(handed) {
		return true
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		r.add(key, fmt.Sprintf("%s is open to others (mode %04o)", path, mode), "chmod 600 "+path)
		return false
	}
	return true
}

// closed is private by the access list that Windows keeps in place of a mode.
func (r *secretReader) closed(key, path string) bool {
	open := access.Of(path, access.Read)
	if len(open) == 0 {
		return true
	}
	me := ""
	if u, err := user.Current(); err == nil {
		me = u.Uid // a SID on Windows
	}
	r.add(key, fmt.Sprintf("%s can be read by every account of this machine (%s)", path, strings.Join(open, ", ")), access.Remedy(path, me, open))
	return false
}

// SecretFolders are the folders of the files with secrets, each once.
func (c *Config) SecretFolders() []string {
	var dirs []string
	c.eachFile(func(_ string, f field) {
		if name := f.value.String(); name != "" && f.tag.Get("file") == "secret" {
			dirs = append(dirs, filepath.Dir(name))
		}
	})
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// clientToken is the key of a further till's token, counted from 0.
func clientToken(i int) string { return element("api.client", i+1) + ".token_file" }

// distinct wants tokens that tell clients apart: those of till and supervisor, then those of the further tills.
func (r *secretReader) distinct(tokens []Token) {
	owner := map[string]string{}
	for i, t := range tokens {
		if t.Value.Empty() {
			continue
		}
		if first, ok := owner[t.Value.text]; ok {
			key := "api.supervisor_token_file"
			if i > 1 {
				key = clientToken(i - 2)
			}
			r.add(key, fmt.Sprintf("%s and %s have the same token", first, t.Client), "give each its own")
		}
		owner[t.Value.text] = t.Client
	}
}

func isToken(text string) string {
	if len(text) < 16 || strings.ContainsAny(text, " \t\r\n") {
		return "one word of 16 characters or more"
	}
	return ""
}

func isKey32(text string) string {
	if len(text) != 32 || isToken(text) != "" {
		return "one word of 32 characters"
	}
	return ""
}

func isPEM(text string) string {
	if block, _ := pem.Decode([]byte(text)); block == nil {
		return "PEM, which begins with -----BEGIN"
	}
	return ""
}

// hexOf wants as many hex digits as one of the lengths.
func hexOf(lengths ...int) func(string) string {
	return func(text string) string {
		_, err := hex.DecodeString(text)
		for _, n := range lengths {
			if err == nil && len(text) == n {
				return ""
			}
		}
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(lengths), " ", " or "), "[]") + " hex digits"
	}
}

// eachFile visits the fields with a file tag. The walk is as deep as Config.
func (c *Config) eachFile(visit func(key string, f field)) {
	type section struct {
		at    string
		value reflect.Value
	}
	for open := []section{{value: reflect.ValueOf(c).Elem()}}; len(open) > 0; {
		in := open[0]
		open = open[1:]
		for name, f := range fieldsOf(in.value) {
			key := join(in.at, name)
			switch t := f.value.Type(); {
			case f.tag.Get("file") != "":
				visit(key, f)
			case t.Kind() == reflect.Struct && t != durationType:
				open = append(open, section{key, f.value})
			case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
				for n := range f.value.Len() {
					open = append(open, section{element(key, n+1), f.value.Index(n)})
				}
			}
		}
	}
}
