package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"posd/iso8583"
	"posd/iso8583/link"
)

// isoSendCmd is the verb iso send.
type isoSendCmd struct {
	dialectFlag
	To         string        `required:"" placeholder:"HOST:PORT" help:"The host."`
	TLS        bool          `name:"tls" help:"Speak TLS. --ca, --pin, --cert and --server-name mean it, too."`
	CA         string        `name:"ca" placeholder:"FILE" help:"The host's root certificates (PEM). Default: the system's."`
	Pin        []string      `placeholder:"SHA256/..." help:"A key that must be in the host's certificates: sha256/ and 44 characters of base64. May be repeated."`
	ServerName string        `placeholder:"NAME" help:"The name in the host's certificate, where it is not that of --to."`
	Cert       string        `placeholder:"FILE" help:"This side's certificate (PEM), with --key."`
	Key        string        `placeholder:"FILE" help:"The key of --cert (PEM)."`
	Timeout    time.Duration `default:"30s" help:"How long to wait for the connection and the answer. Default: 30s."`
	MAK        string        `name:"mak" placeholder:"HEX" help:"The plain MAC key, or @FILE with it: signs the request and checks the answer. Test keys only."`
	Financial  bool          `help:"Send a message that may move money (classes 1, 2 and 4)."`
	JSON       bool          `name:"json" help:"Print JSON: {\"request\",\"answer\",\"elapsed_ms\",\"differs\",\"mac\"}."`
	Reveal     bool          `help:"Show card numbers, tracks and PIN blocks. They are masked otherwise."`
	Message    []string      `arg:"" optional:"" help:"The message: JSON or hex, as it is or in a file. Left out or -: from standard input."`
}

// Help teaches by example.
func (isoSendCmd) Help() string {
	return `One message is sent as the dialect frames it, and the answer is shown and held against it: match key, the fields that
an answer must repeat, and with --mak the MAC. Nothing is kept and nothing is reversed, so a message that may move
money wants --financial; send such to test hosts only.

Examples:

  hwtest iso send --to 127.0.0.1:5000 echo.json
  hwtest iso send --to pos.example:5000 --ca acquirer.pem --dialect my-acquirer.toml sign-on.json
  hwtest iso send --to 127.0.0.1:5000 --mak 0123456789ABCDEF --financial sale.json`
}

// Run sends one message and judges what comes back.
func (c *isoSendCmd) Run(ctx context.Context, g *globals) error {
	d, err := c.load()
	if err != nil {
		return err
	}
	m, err := readMessage(g, d, c.Message)
	if err != nil {
		return err
	}
	e := exchange{cmd: c, d: d, request: m}
	defer e.wipe()
	if err := c.checkFlags(); err != nil {
		return err
	}
	if err := c.allowed(m.MTI); err != nil {
		return err
	}
	secure, err := c.tlsConfig()
	if err != nil {
		return err
	}
	if c.MAK != "" {
		if e.mak, err = secretHex(g, "--mak", c.MAK); err != nil {
			return err
		}
	}
	if err := e.pack(g); err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(g.Out, "to %s, %d bytes\n", c.To, len(e.packed))
		printMessage(g.Out, d, e.request, c.Reveal)
	}
	if err := e.do(ctx, secure); err != nil {
		return e.silence(g, err)
	}
	return e.report(g)
}

// checkFlags finds what cannot work before anything is sent.
func (c *isoSendCmd) checkFlags() error {
	_, port, err := net.SplitHostPort(c.To)
	switch {
	case err != nil || port == "":
		return fmt.Errorf("--to: %q is no HOST:PORT, such as 10.0.0.5:5000 or [::1]:5000", c.To)
	case c.Timeout <= 0:
		return errors.New("--timeout: no time to wait for an answer")
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("--cert and --key go together: a certificate and its key")
	default:
		return nil
	}
}

// allowed keeps a technician from booking money by accident.
func (c *isoSendCmd) allowed(mti string) error {
	if c.Financial || !strings.ContainsAny(mti[1:2], "124") {
		return nil
	}
	return fmt.Errorf("%s is %s: the host may book it, and nothing here keeps or reverses it; nothing was sent. "+
		"If this is a test host, send it again with --financial", mti, article(mtiWords(mti)))
}

func article(words string) string {
	if strings.ContainsAny(words[:1], "aeiou") {
		return "an " + words
	}
	return "a " + words
}

// exchange is one message and its answer.
type exchange struct {
	cmd     *isoSendCmd
	d       *iso8583.Dialect
	request *iso8583.Message
	mak     []byte

	packed  []byte
	answer  *iso8583.Message
	reply   []byte
	took    time.Duration
	strange [][]byte // frames that answer something else, or that cannot be read
}

// wipe overwrites what was read, sent and received.
func (e *exchange) wipe() {
	e.request.Wipe()
	if e.answer != nil {
		e.answer.Wipe()
	}
	for _, b := range append(e.strange, e.packed, e.reply, e.mak) {
		clear(b)
	}
}

// pack packs the request and signs it, if there is a key and a place for the MAC.
func (e *exchange) pack(g *globals) (err error) {
	if e.packed, err = e.d.Pack(nil, e.request); err != nil || e.mak == nil {
		return err
	}
	switch err := e.d.Sign(e.packed, plainKey(e.mak)); {
	case errors.Is(err, iso8583.ErrNoMAC):
		fmt.Fprintf(g.Err, "note: the message has no field %d, so it is not signed\n", e.d.MACRule().Field)
		return nil
	case err != nil:
		return err
	}
	_, err = e.d.UnpackInto(e.request, e.packed) // it is shown as it is sent
	return err
}

// most is how many frames are kept that nobody asked for.
const most = 8

// do sends the request and waits for its answer.
func (e *exchange) do(ctx context.Context, secure *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, e.cmd.Timeout)
	defer cancel()
	late := make(chan []byte, most)
	l := link.New(link.Options{
		Dialect: e.d, Each: true,
		Dial: link.Dialer((&net.Dialer{}).DialContext, e.cmd.To, secure, 0),
		Late: func(packed []byte) {
			select {
			case late <- packed:
			default:
			}
		},
	})
	start := time.Now()
	reply, err := l.Exchange(ctx, e.packed, e.d.MatchKey(e.request))
	e.took = time.Since(start)
	err = errors.Join(err, l.Close())
	close(late)
	for frame := range late {
		e.strange = append(e.strange, frame)
	}
	if err != nil {
		return err
	}
	e.reply = reply
	e.answer, _, err = e.d.Unpack(reply)
	return err
}

// silence says why there is no answer. Frames that came but do not answer the request are shown: they mostly tell.
func (e *exchange) silence(g *globals, err error) error {
	for _, frame := range e.strange {
		m, _, bad := e.d.Unpack(frame)
		if bad != nil {
			fmt.Fprintf(g.Out, "\nthe host sent %d bytes that are no message of dialect %s: %v\n", len(frame), e.d.Name(), bad)
			continue
		}
		fmt.Fprintf(g.Out, "\nthe host sent this, which does not answer the request: %s\n", e.differs(m))
		printMessage(g.Out, e.d, m, e.cmd.Reveal)
		m.Wipe()
	}
	const wrongForm = "hint: a host that takes the connection and keeps silent mostly waits for more bytes (another length prefix), " +
		"or does not know the TPDU, the terminal or the merchant"
	err = inFlags(err)
	switch {
	case errors.Is(err, link.ErrNotSent):
		return err
	case len(e.strange) > 0:
		return errors.New("no answer to this request; what the host sent is above")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v; the message may have arrived; %s", e.cmd.Timeout, wrongForm)
	case e.cmd.plain():
		return fmt.Errorf("%w; hint: a host that hangs up at once mostly wants TLS (--tls), or another dialect or length prefix", err)
	default:
		return err
	}
}

// differs says in which fields an answer is not that of the request.
func (e *exchange) differs(answer *iso8583.Message) string {
	var words []string
	for _, n := range e.d.Differs(e.request, answer) {
		if n == 0 {
			words = append(words, "its MTI "+answer.MTI+" does not answer "+e.request.MTI)
		} else {
			words = append(words, fmt.Sprintf("field %d is another, or missing", n))
		}
	}
	if len(words) == 0 {
		return "its match key is another"
	}
	return strings.Join(words, ", ")
}

// verdicts of the MAC, as JSON has them.
const (
	macRight     = "right"
	macWrong     = "wrong"
	macNone      = "none"
	macUnchecked = "not checked"
)

func (e *exchange) mac() string {
	if e.d.MACRule().Field == 0 || !e.answer.Has(e.d.MACRule().Field) {
		return macNone
	}
	if e.mak == nil {
		return macUnchecked
	}
	if e.d.CheckMAC(e.reply, plainKey(e.mak)) != nil {
		return macWrong
	}
	return macRight
}

// report prints the answer and what is to be said of it. Its error is what is wrong with it.
func (e *exchange) report(g *globals) error {
	mac, wrong := e.mac(), e.d.Differs(e.request, e.answer)
	if e.cmd.JSON {
		if err := e.printJSON(g, mac, wrong); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(g.Out, "\nanswer after %v, %d bytes\n", e.took.Round(time.Millisecond), len(e.reply))
		printMessage(g.Out, e.d, e.answer, e.cmd.Reveal)
		fmt.Fprintf(g.Out, "\nmatch key  the request's\nfields     %s\nMAC        %s\n", e.verdict(wrong), macWords[mac])
		if request, signOn := e.d.HeaderRequest(e.answer); request != "" || signOn {
			fmt.Fprintf(g.Out, "header     the host asks for: %s\n", request)
		}
	}
	switch {
	case mac == macWrong:
		return errors.New("the answer's MAC is wrong: posd would not believe it; check --mak and the dialect's [mac]")
	case len(wrong) > 0:
		return fmt.Errorf("the answer is not that of the request: %s", e.differs(e.answer))
	default:
		return nil
	}
}

func (e *exchange) verdict(wrong []int) string {
	if len(wrong) > 0 {
		return "WRONG: " + e.differs(e.answer)
	}
	return "those that an answer must repeat are the request's"
}

var macWords = map[string]string{
	macRight:     "right",
	macWrong:     "WRONG",
	macNone:      "the answer has none",
	macUnchecked: "not checked: give the key with --mak",
}

func (e *exchange) printJSON(g *globals, mac string, wrong []int) error {
	request, err := e.d.JSON(e.request, 0, e.cmd.Reveal)
	if err != nil {
		return err
	}
	answer, err := e.d.JSON(e.answer, 0, e.cmd.Reveal)
	if err != nil {
		return err
	}
	return printJSON(g.Out, struct {
		Request json.RawMessage `json:"request"`
		Answer  json.RawMessage `json:"answer"`
		Elapsed int64           `json:"elapsed_ms"`
		Differs []int           `json:"differs"`
		MAC     string          `json:"mac"`
	}{request, answer, e.took.Milliseconds(), append([]int{}, wrong...), mac})
}
