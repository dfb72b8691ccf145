package walletsim

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/capitalone/fpe/ff1"
)

// The offline scheme: 18 digits, of which 16 are FF1 over handle and tag. FF1 is a permutation, so two enrolments can
// never make the same code; the tag proves the seed; the group key only hides the handle.
const (
	prefixDigits = 2
	handleDigits = 8
	codeDigits   = 18
	offlineStep  = 30 * time.Second
	counters     = 4 // codes that one phone can make within a step
	wrongTags    = 5 // of one handle, within lockTime, suspend it
	lockTime     = 10 * time.Minute
)

// Scheme is one version of the algorithm, known by the prefix of its codes: old and new live side by side, each under a
// group key of its own, until the old one is retired.
type Scheme struct {
	Prefix string
	label  string
	hash   func() hash.Hash
}

// Schemes are the versions, the oldest first. 92 is left to shops that try online codes of a second wallet.
func Schemes() []Scheme {
	return []Scheme{
		{"91", "walletsim-offline-v1", sha256.New},
		{"93", "walletsim-offline-v2", sha512.New},
	}
}

// SchemeOf finds a version by its prefix.
func SchemeOf(prefix string) (Scheme, bool) {
	all := Schemes()
	i := slices.IndexFunc(all, func(s Scheme) bool { return s.Prefix == prefix })
	if i < 0 {
		return Scheme{}, false
	}
	return all[i], true
}

// isOffline tells whether a code of at least two digits has the prefix of an offline one.
func isOffline(code string) bool {
	_, ok := SchemeOf(code[:prefixDigits])
	return ok
}

// groupKey hides the handles of a version. That of the oldest is Options.GroupKey, others are derived from it.
func (g *Gateway) groupKey(s Scheme) []byte {
	if s.Prefix == Schemes()[0].Prefix {
		return g.o.GroupKey
	}
	key, err := hkdf.Key(sha256.New, g.o.GroupKey, nil, "walletsim group key "+s.Prefix, 32)
	if err != nil {
		panic(err) // only for more bytes than HKDF has
	}
	return key
}

// enrolment is one login of one phone: its seed, and what the server remembers of its codes.
type enrolment struct {
	account   *account
	scheme    Scheme
	handle    string
	seed      []byte
	used      map[[2]int64]string // step and counter to the order that used the code
	wrong     strikes
	suspended bool
}

// Login is a new login, or another customer's on the same phone: the old seed is destroyed on both sides.
func (p *Phone) Login() error {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return p.enrol(Schemes()[0])
}

// enrol gives a handset a seed that nobody else has, and destroys the one before; mu is held.
func (h *handset) enrol(s Scheme) error {
	h.leave()
	e := &enrolment{account: h.account, scheme: s, seed: make([]byte, 32), used: map[[2]int64]string{}}
	if _, err := io.ReadFull(h.g.o.Rand, e.seed); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	for range 10 {
		handle, err := h.g.digits(handleDigits)
		if err != nil {
			return err
		}
		if h.g.seeds[handle] == nil {
			e.handle = handle
			h.seed, h.g.seeds[handle] = e, e
			return nil
		}
	}
	return errors.New("log in: no free handle in 10 draws")
}

// Offline makes a code without the server: seed, time and a counter. Four differ within 30 seconds, then they repeat.
func (p *Phone) Offline() (string, error) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	at := p.g.now()
	if step := stepOf(at); step != p.step {
		p.step, p.counter = step, 0
	} else {
		p.counter = (p.counter + 1) % counters
	}
	return OfflineCode(p.g.o.GroupKey, p.seed.seed, p.seed.handle, at, p.counter)
}

// OfflineCode is the code that a phone with this seed shows at a time, in the oldest version. handle is eight digits,
// counter 0 to 3.
func OfflineCode(groupKey, seed []byte, handle string, at time.Time, counter byte) (string, error) {
	m, err := NewOfflineMaker(groupKey)
	if err != nil {
		return "", err
	}
	return m.Code(seed, handle, at, counter)
}

// OfflineMaker makes many codes under one group key. It is not safe for concurrent use.
type OfflineMaker struct {
	scheme Scheme
	cipher ff1.Cipher
}

// NewOfflineMaker takes a group key of 32 bytes, and makes codes of the oldest version.
func NewOfflineMaker(groupKey []byte) (*OfflineMaker, error) { return Schemes()[0].Maker(groupKey) }

// Maker makes codes of a version under a group key of 32 bytes.
func (s Scheme) Maker(groupKey []byte) (*OfflineMaker, error) {
	c, err := ff1.NewCipher(10, prefixDigits, groupKey, []byte(s.Prefix))
	if err != nil {
		return nil, fmt.Errorf("offline code: %w", err)
	}
	return &OfflineMaker{s, c}, nil
}

// Code is OfflineCode.
func (m *OfflineMaker) Code(seed []byte, handle string, at time.Time, counter byte) (string, error) {
	body, err := m.cipher.Encrypt(handle + m.scheme.tag(seed, handle, stepOf(at), counter))
	if err != nil {
		return "", fmt.Errorf("offline code: %w", err)
	}
	return m.scheme.Prefix + body, nil
}

// split gives handle and tag of a code, which has the version's prefix.
func (m *OfflineMaker) split(code string) (handle, tag string, err error) {
	plain, err := m.cipher.Decrypt(code[prefixDigits:])
	if err != nil {
		return "", "", fmt.Errorf("offline code: %w", err)
	}
	return plain[:handleDigits], plain[handleDigits:], nil
}

// stepOf numbers the half minutes.
func stepOf(at time.Time) int64 { return at.Unix() / int64(offlineStep/time.Second) }

// tag is eight digits that only who has the seed can make.
func (s Scheme) tag(seed []byte, handle string, step int64, counter byte) string {
	mac := hmac.New(s.hash, seed)
	input := append([]byte(s.label+"\x00"+s.Prefix), handle...)
	input = binary.BigEndian.AppendUint64(input, uint64(step))
	_, _ = mac.Write(append(input, counter))
	return fmt.Sprintf("%08d", binary.BigEndian.Uint64(mac.Sum(nil))%1e8)
}

// redeemOffline finds the enrolment by decrypting and then checks at most twelve tags; mu is held.
func (g *Gateway) redeemOffline(code, order string) *account {
	s, _ := SchemeOf(code[:prefixDigits])
	m, err := s.Maker(g.groupKey(s))
	if err != nil || slices.Contains(g.retired, s.Prefix) {
		return nil
	}
	handle, tag, err := m.split(code)
	if err != nil {
		return nil
	}
	e := g.seeds[handle]
	if e == nil || e.scheme.Prefix != s.Prefix || e.account.restricted || e.locked(g.now()) {
		return nil
	}
	now := stepOf(g.now())
	for step := now - 1; step <= now+1; step++ {
		for counter := range byte(counters) {
			if same(tag, s.tag(e.seed, handle, step, counter)) {
				return e.use([2]int64{step, int64(counter)}, order, now)
			}
		}
	}
	e.wrong = append(e.wrong, g.now())
	return nil
}

// use takes a code once; what is too old to be accepted again is forgotten.
func (e *enrolment) use(key [2]int64, order string, now int64) *account {
	for k := range e.used {
		if k[0] < now-3 {
			delete(e.used, k)
		}
	}
	if by, used := e.used[key]; used && by != order {
		return nil
	}
	e.used[key] = order
	return e.account
}

// locked suspends a handle for good after too many wrong tags: only a new login helps, and online codes still work.
func (e *enrolment) locked(now time.Time) bool {
	e.suspended = e.suspended || e.wrong.out(now)
	return e.suspended
}
