package wallet

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"posd/config"
	"posd/daemon/bill"
)

// Brand is all that posd knows of one wallet. Its package registers it in init.
type Brand struct {
	Name           string          // [wallet.NAME]; what routes, journal and --provider of posd reconcile call it
	NameZH, NameEN string          // what its customers call it: on slips
	Routes         []Route         // its published code formats
	Example        string          // its section of the annotated configuration, with Routes as samples
	Settings       func() Settings // its section with the defaults
	Answers        []Answers       // what its gateway's answers mean, for the page
	Bill           *bill.Format    // how its gateway writes bills; nil where posd reads none
}

// Settings is a wallet's section of the configuration. It opens what it configures.
type Settings interface {
	config.Settings
	// Open makes the provider, and sends nothing. Its errors begin with the key that is wrong.
	Open(s Setup) (Provider, error)
}

// Setup is what a provider gets from posd when it is opened.
type Setup struct {
	Shop   string // what the customer's bill says; may be empty
	Now    func() time.Time
	Secret func(key string) config.Secret // what the file holds that a key names; empty where none is named
	// Transport is the way to the gateway, over TLS by the section's ca_file; with a certificate of ours where one is given.
	Transport func(certFile string, key config.Secret) (http.RoundTripper, error)
}

// Answers are the tables of one version of a gateway's protocol.
type Answers struct {
	Title     string // "Alipay 支付宝"
	Code, Sub string // what their columns are called there
	Tables    []Named
}

// unionPay is the wallet whose codes the acquirer takes; it has no package.
var unionPay = Brand{
	Name: UnionPay, NameZH: "云闪付", NameEN: "UnionPay",
	Routes: []Route{{Wallet: UnionPay, Prefixes: []string{"62"}, Min: 19, Max: 19}},
}

// UnionPay is what routes call the wallet whose codes travel through the acquirer.
const UnionPay = "unionpay"

// brands is filled by the init of each wallet's package and constant then.
var brands = map[string]Brand{}

// brandName keeps a section from being taken for a key of [wallet].
var brandName = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}$`)

// Register is for the init of a wallet's package. It panics on a mistake in the table.
func Register(b Brand) {
	_, taken := brands[b.Name]
	if taken || b.Name == UnionPay || b.Name == "route" || !brandName.MatchString(b.Name) {
		panic(fmt.Sprintf("wallet %q is there twice, or no name", b.Name))
	}
	if b.NameZH == "" || b.NameEN == "" || b.Example == "" || b.Settings == nil || len(b.Routes) == 0 || len(b.Answers) == 0 {
		panic(fmt.Sprintf("wallet %q is incomplete", b.Name))
	}
	brands[b.Name] = b
}

// Brands lists the wallets by name.
func Brands() []Brand {
	all := make([]Brand, 0, len(brands))
	for _, name := range slices.Sorted(maps.Keys(brands)) {
		all = append(all, brands[name])
	}
	return all
}

// Lookup finds a wallet by name; UnionPay, too.
func Lookup(name string) (Brand, bool) {
	if name == UnionPay {
		return unionPay, true
	}
	b, ok := brands[name]
	return b, ok
}

// Sections are the wallets' parts of the configuration.
func Sections() []config.Provider {
	var all []config.Provider
	for _, b := range Brands() {
		all = append(all, config.Provider{Name: b.Name, Example: b.Example, Settings: func() config.Settings { return b.Settings() }})
	}
	return all
}

// Open makes the providers of the sections that are enabled, in the order of their names. The error is of all that cannot be
// made, and each of its lines begins with the key.
func Open(sections map[string]config.Settings, setup func(name string, common *config.Gateway) Setup) ([]Provider, error) {
	var all []Provider
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		s, ok := sections[name].(Settings)
		if !ok || !s.Common().Enabled {
			continue
		}
		p, err := s.Open(setup(name, s.Common()))
		errs = append(errs, inSection(name, err)...)
		all = append(all, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// inSection puts a section's name before each of the errors that are joined in one.
func inSection(name string, err error) (out []error) {
	each := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok { // only what is joined outermost has keys
		each = many.Unwrap()
	}
	for _, e := range each {
		if e != nil {
			out = append(out, fmt.Errorf("wallet.%s: %w", name, e))
		}
	}
	return out
}

// DefaultRoutes are the published code formats of all wallets. UnionPay's are recognised in any shop, so that they are not
// taken for goods.
func DefaultRoutes() []Route {
	var all []Route
	for _, b := range Brands() {
		all = append(all, b.Routes...)
	}
	return append(all, unionPay.Routes...)
}
