package pcsc

import (
	"context"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// noService is what ErrNoService says here.
const noService = "the smart card service does not run; start it (sc start SCardSvr) and look at the reader's driver"

func dial(ctx context.Context, path string) (service, error) {
	if path != "" {
		return dialSocket(ctx, path)
	}
	return openWinscard(ctx)
}

// winscard.dll's functions (Microsoft, winscard.h). Compiled only: nobody has run this.
var (
	dll               = windows.NewLazySystemDLL("winscard.dll")
	scardEstablish    = dll.NewProc("SCardEstablishContext")
	scardRelease      = dll.NewProc("SCardReleaseContext")
	scardListReaders  = dll.NewProc("SCardListReadersW")
	scardStatusChange = dll.NewProc("SCardGetStatusChangeW")
	scardConnect      = dll.NewProc("SCardConnectW")
	scardDisconnect   = dll.NewProc("SCardDisconnect")
	scardTransmit     = dll.NewProc("SCardTransmit")
)

// Values of winscard.h.
const (
	errNoReadersAtAll = 0x8010002E // SCARD_E_NO_READERS_AVAILABLE
	scardStatePresent = 0x0020
	mostNames         = 16 << 10 // characters of all readers' names
)

// readerState is SCARD_READERSTATEW.
type readerState struct {
	name     *uint16
	userData uintptr
	current  uint32 // 0: unaware, so that the call answers at once
	event    uint32
	atrLen   uint32
	atr      [36]byte
}

// ioRequest is SCARD_IO_REQUEST.
type ioRequest struct{ protocol, size uint32 }

// winscard is a context of the smart card service. A call that is under way does not end with ctx: the service has limits of its own.
type winscard struct{ context uintptr }

func openWinscard(ctx context.Context) (service, error) {
	if err := dll.Load(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoService, err)
	}
	w := &winscard{}
	if err := call(ctx, scardEstablish, scopeSystem, 0, 0, uintptr(unsafe.Pointer(&w.context))); err != nil {
		return nil, err
	}
	return w, nil
}

// call makes a call, unless ctx has ended.
//
//go:uintptrescapes
func call(ctx context.Context, p *windows.LazyProc, args ...uintptr) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rv, _, _ := p.Call(args...)
	return explain(uint32(rv))
}

func (w *winscard) close() error { return call(context.Background(), scardRelease, w.context) }

func (w *winscard) readers(ctx context.Context) ([]Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	names := make([]uint16, mostNames)
	n := uint32(len(names))
	rv, _, _ := scardListReaders.Call(w.context, 0, uintptr(unsafe.Pointer(&names[0])), uintptr(unsafe.Pointer(&n)))
	if uint32(rv) == errNoReadersAtAll {
		return nil, nil
	}
	if err := explain(uint32(rv)); err != nil {
		return nil, err
	}
	var all []Reader
	for _, name := range multiString(names[:min(int(n), len(names))]) {
		r, err := w.state(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// multiString cuts names that end in zeros; an empty one ends them all.
func multiString(text []uint16) (names []string) {
	for len(text) > 0 && text[0] != 0 {
		name := windows.UTF16ToString(text)
		names = append(names, name)
		end := 0
		for end < len(text) && text[end] != 0 {
			end++
		}
		text = text[min(end+1, len(text)):]
	}
	return names
}

// state asks for one reader's card.
func (w *winscard) state(ctx context.Context, name string) (Reader, error) {
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return Reader{}, fmt.Errorf("%w: %w", ErrNoReader, err)
	}
	s := readerState{name: text}
	if err := call(ctx, scardStatusChange, w.context, 0, uintptr(unsafe.Pointer(&s)), 1); err != nil {
		return Reader{}, err
	}
	r := Reader{Name: name, Present: s.event&scardStatePresent != 0}
	if r.Present {
		r.ATR = append(r.ATR, s.atr[:min(int(s.atrLen), len(s.atr))]...)
	}
	return r, nil
}

func (w *winscard) connect(ctx context.Context, reader string) (handle uintptr, protocol uint32, err error) {
	name, err := windows.UTF16PtrFromString(reader)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrNoReader, err)
	}
	err = call(ctx, scardConnect, w.context, uintptr(unsafe.Pointer(name)), exclusive, anyProtocol,
		uintptr(unsafe.Pointer(&handle)), uintptr(unsafe.Pointer(&protocol)))
	if err != nil {
		return 0, 0, fmt.Errorf("connect to the card in %q: %w", reader, err)
	}
	return handle, protocol, nil
}

func (w *winscard) disconnect(ctx context.Context, handle uintptr) error {
	return call(ctx, scardDisconnect, handle, resetCard)
}

func (w *winscard) transmit(ctx context.Context, handle uintptr, protocol uint32, apdu []byte) ([]byte, error) {
	head := ioRequest{protocol, uint32(unsafe.Sizeof(ioRequest{}))}
	buffer := make([]byte, maxAnswer)
	defer clear(buffer)
	n := uint32(len(buffer))
	err := call(ctx, scardTransmit, handle, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&apdu[0])), uintptr(len(apdu)),
		0, uintptr(unsafe.Pointer(&buffer[0])), uintptr(unsafe.Pointer(&n)))
	if err != nil {
		return nil, err
	}
	if n < 2 || n > maxAnswer {
		return nil, fmt.Errorf("the card's answer has %d bytes, want 2 to %d", n, maxAnswer)
	}
	return append([]byte(nil), buffer[:n]...), nil
}
