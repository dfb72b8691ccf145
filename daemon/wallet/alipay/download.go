package alipay

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// Alipay changes the certificate with which it signs, and names the new one in its answers before anybody has its file. It gives
// the certificate when it is asked for its name (open docs, alipay.open.app.alipaycert.download); what it gives is checked like a
// file of the shop's, and kept until posd ends.

const (
	certDownload = "alipay.open.app.alipaycert.download"
	certNode     = "alipay_open_app_alipaycert_download_response"
)

const (
	fetchAgain  = time.Minute // between two tries to fetch the same certificate
	maxUnknown  = 8           // names that are dealt with at once: whoever makes names up is not followed
	concernedBy = time.Hour   // how long a name that could not be fetched is a concern
)

// certName is the form of alipay_cert_sn: an MD5 in hex.
var certName = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// shelf keeps what was fetched, and what could not be. The zero value is empty; it is safe for concurrent use.
type shelf struct {
	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey // by name in lower case
	unknown map[string]missing        // by name in lower case; at most maxUnknown
}

// missing is a certificate that answers name and posd does not have.
type missing struct {
	tried time.Time // monotonic
	why   string    // empty while it is being fetched
}

func (s *shelf) key(sn string) *rsa.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[strings.ToLower(sn)]
}

// take tells whether a certificate is to be fetched now; the caller does it then, and says by keep what came of it.
func (s *shelf) take(sn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.unknown, func(_ string, m missing) bool { return time.Since(m.tried) >= concernedBy })
	m, again := s.unknown[strings.ToLower(sn)]
	if again && time.Since(m.tried) < fetchAgain || !again && len(s.unknown) == maxUnknown {
		return false
	}
	if s.unknown == nil {
		s.unknown = map[string]missing{}
	}
	s.unknown[strings.ToLower(sn)] = missing{tried: time.Now(), why: m.why}
	return true
}

func (s *shelf) keep(sn string, key *rsa.PublicKey, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sn = strings.ToLower(sn)
	if why != nil {
		s.unknown[sn] = missing{s.unknown[sn].tried, why.Error()}
		return
	}
	delete(s.unknown, sn)
	if s.keys == nil {
		s.keys = map[string]*rsa.PublicKey{}
	}
	s.keys[sn] = key
}

// forget is for a certificate that is in the shop's folder now.
func (s *shelf) forget(sn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unknown, strings.ToLower(sn))
}

// keyOf gives the key of the certificate that an answer names: from the shop's folder, else one that Alipay gave.
func (p *Provider) keyOf(ctx context.Context, sn string) (*rsa.PublicKey, error) {
	key, err := p.o.Certificates.GatewayKey(sn)
	if err == nil {
		p.shelf.forget(sn)
		return key, nil
	}
	if key := p.shelf.key(sn); key != nil {
		return key, nil
	}
	if p.o.Certificates.Given == nil || !certName.MatchString(sn) || !p.shelf.take(sn) {
		return nil, err
	}
	key, why := p.download(ctx, sn)
	p.shelf.keep(sn, key, why)
	if why != nil {
		return nil, fmt.Errorf("%w; certificate %s cannot be fetched: %w", err, sn, why)
	}
	return key, nil
}

// download asks Alipay for a certificate. Its answer is signed by that one, or by one in the shop's folder.
func (p *Provider) download(ctx context.Context, sn string) (*rsa.PublicKey, error) {
	form, err := p.form(certDownload, map[string]string{"alipay_cert_sn": sn})
	if err != nil {
		return nil, err
	}
	body, err := p.post.Post(ctx, p.to, formType, form)
	if err != nil {
		return nil, errors.New(wallet.Unanswered(err).Text)
	}
	nodes, err := sign.Nodes(body)
	if err != nil {
		return nil, err
	}
	key, err := p.certificateIn(nodes[certNode], sn)
	if err != nil {
		return nil, err
	}
	return key, p.vouched(nodes, sn, key)
}

// certificateIn reads the certificate of a response node that is not verified yet, and checks whose it is.
func (p *Provider) certificateIn(node json.RawMessage, sn string) (*rsa.PublicKey, error) {
	fields, err := read(node)
	if err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(fields["alipay_cert_content"])
	if err != nil || len(text) == 0 {
		return nil, errors.New("the gateway gives none")
	}
	name, key, err := p.o.Certificates.Given(text)
	switch {
	case err != nil:
		return nil, err
	case !strings.EqualFold(name, sn):
		return nil, errors.New("the gateway gives another one")
	}
	return key, nil
}

// vouched checks the signature of the answer that brought a certificate.
func (p *Provider) vouched(nodes map[string]json.RawMessage, sn string, key *rsa.PublicKey) error {
	signature, err := member(nodes, "sign")
	if err != nil {
		return err
	}
	signer, err := member(nodes, "alipay_cert_sn")
	if err != nil {
		return err
	}
	if !strings.EqualFold(signer, sn) {
		if key, err = p.o.Certificates.GatewayKey(signer); err != nil {
			return err
		}
	}
	return sign.CheckRSA2(key, nodes[certNode], signature)
}

// Concerns names the certificates that answers named lately and that could not be had.
func (p *Provider) Concerns() (out []payment.Concern) {
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	for _, sn := range slices.Sorted(maps.Keys(p.shelf.unknown)) {
		m := p.shelf.unknown[sn]
		if m.why == "" || time.Since(m.tried) >= concernedBy {
			continue
		}
		out = append(out, payment.Concern{
			Code:   "wallet_certificate",
			Detail: "answers of alipay name the certificate " + sn + ", which posd does not have: " + m.why,
			Remedy: "download it from the open platform into the folder wallet.alipay.gateway_certs; posd needs no restart",
		})
	}
	return out
}
