package walletsim

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/wallet/sign"
)

// send writes an answer the way the fault wants it. It ends the connection by http.ErrAbortHandler, which the HTTP
// server and Transport understand.
func (g *Gateway) send(w http.ResponseWriter, r *http.Request, rule Rule, answer *sealed) {
	switch rule.Fault {
	case Silence:
		select {
		case <-r.Context().Done():
		case <-g.done:
		}
		panic(http.ErrAbortHandler)
	case Reset:
		reset(w)
	case ServerError:
		http.Error(w, "bad gateway", http.StatusBadGateway)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Please log in to the network</body></html>"))
	case Half:
		w.Header().Set("Content-Length", fmt.Sprint(len(answer.body)))
		half := *answer
		half.body = answer.body[:len(answer.body)/2]
		half.writeTo(w)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case Empty:
		w.WriteHeader(http.StatusOK)
	case Huge:
		answer.writeTo(w)
		_, _ = w.Write(bytes.Repeat([]byte(" "), sign.MaxBody+1))
	case WrongType:
		odd := sealed{answer.status, maps.Clone(answer.header), answer.body}
		if odd.header == nil {
			odd.header = map[string]string{}
		}
		odd.header["Content-Type"] = "image/png"
		odd.writeTo(w)
	case DripHeader:
		g.dripHeader(w, r, rule, answer)
	case DripBody:
		head := sealed{status: answer.status, header: answer.header}
		w.Header().Set("Content-Length", strconv.Itoa(len(answer.body)))
		head.writeTo(w)
		flush := func() { _ = http.NewResponseController(w).Flush() }
		g.drip(r, rule, answer.body, func(b []byte) { _, _ = w.Write(b); flush() })
	default:
		answer.writeTo(w)
	}
}

// dripHeader answers so slowly that not even the header is there in time. Where there is no connection to write on it
// says nothing until the caller has gone.
func (g *Gateway) dripHeader(w http.ResponseWriter, r *http.Request, rule Rule, answer *sealed) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		g.send(w, r, Rule{Fault: Silence}, answer)
		return
	}
	defer conn.Close()
	text := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(answer.body))
	g.drip(r, rule, append(text, answer.body...), func(b []byte) { _, _ = conn.Write(b) })
}

// drip writes byte by byte until the caller or the gateway has gone.
func (g *Gateway) drip(r *http.Request, rule Rule, text []byte, write func([]byte)) {
	gap := time.Duration(rule.Delay)
	if gap <= 0 {
		gap = time.Second
	}
	every := time.NewTicker(gap)
	defer every.Stop()
	for i := range text {
		write(text[i : i+1])
		select {
		case <-every.C:
		case <-r.Context().Done():
			return
		case <-g.done:
			return
		}
	}
}

// reset sends RST where there is a TCP connection to send it on.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler)
}
