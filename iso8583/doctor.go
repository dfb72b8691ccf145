package iso8583

import (
	"cmp"
	"fmt"
	"slices"
)

// FaultName is the usual name of a way in which bytes fail to be a message of a dialect.
type FaultName string

// The faults that Examine knows. "Where X was expected" is the dialect's side, what stands before it the message's.
const (
	FaultCountBytes   FaultName = "length counted in bytes instead of digits"
	FaultCountDigits  FaultName = "length counted in digits instead of bytes"
	FaultBCDLength    FaultName = "BCD length read as binary"
	FaultBinaryLength FaultName = "binary length read as BCD"
	FaultLengthForm   FaultName = "length in another form"
	FaultInclusive    FaultName = "self-inclusive length"
	FaultExclusive    FaultName = "length that does not count itself"
	FaultLength       FaultName = "wrong length prefix"
	FaultTextBitmap   FaultName = "ASCII bitmap where binary was expected"
	FaultBinaryBitmap FaultName = "binary bitmap where hex text was expected"
	FaultBitmapForm   FaultName = "bitmap in other hex characters"
	FaultTextMTI      FaultName = "MTI as text where BCD was expected"
	FaultBCDMTI       FaultName = "MTI in BCD where text was expected"
	FaultNoBit        FaultName = "a field on the wire without its bit"
	FaultNoField      FaultName = "a bit without its field on the wire"
	FaultTrailing     FaultName = "stray trailing bytes"
	FaultNoTrailer    FaultName = "trailer missing"
	FaultLeading      FaultName = "stray leading bytes"
	FaultSerial       FaultName = "STX and ETX of a serial line"
	FaultCut          FaultName = "message cut short"
	FaultNoTPDU       FaultName = "TPDU missing"
	FaultTwoTPDUs     FaultName = "TPDU doubled"
	FaultStrayTPDU    FaultName = "TPDU where the dialect has none"
	FaultNoHeader     FaultName = "header missing"
	FaultOddHex       FaultName = "odd hex"
	FaultValue        FaultName = "a value breaks its format"
	FaultWrongPreset  FaultName = "wrong preset"
)

// faultLore is what is known of a fault: how unlikely it is beside others that explain the same bytes (in no unit but
// that more is less likely), its name in Chinese, and what helps.
type faultLore struct {
	weight     int
	zh, remedy string
}

var faultsKnown = map[FaultName]faultLore{
	FaultCountBytes:   {10, "长度按字节计而非按位数计", `count digits before the value, or set count = "bytes" for the field in the dialect`},
	FaultCountDigits:  {10, "长度按位数计而非按字节计", `count bytes before the value, or set count = "digits" for the field in the dialect`},
	FaultBCDLength:    {9, "BCD长度被当作二进制", `the sender writes lengths in BCD: set length = "bcd2" in [frame], or lengths = "bcd" for fields`},
	FaultBinaryLength: {9, "二进制长度被当作BCD", `the sender writes lengths in binary: set length = "bin2" in [frame], or lengths = "binary" for fields`},
	FaultLengthForm:   {9, "长度编码不符", "set length in [frame], or lengths in [codec], to the form that was found"},
	FaultInclusive:    {9, "长度包含自身", "the sender counts the length itself: set length_includes_itself = true in [frame]"},
	FaultExclusive:    {9, "长度不包含自身", "the sender does not count the length itself: set length_includes_itself = false in [frame]"},
	FaultLength:       {13, "报文长度错误", "count again what follows the length prefix, or see whether the trace lost bytes"},
	FaultTextBitmap:   {9, "位图为ASCII而应为二进制", `set bitmap = "hex" in [codec], or let the sender write eight bytes`},
	FaultBinaryBitmap: {9, "位图为二进制而应为十六进制文本", `set bitmap = "binary" in [codec], or let the sender write sixteen hex characters`},
	FaultBitmapForm:   {9, "位图的十六进制字符形式不符", "write the bitmap with 0-9 and A-F in upper case, in the character set of the message type"},
	FaultTextMTI:      {9, "消息类型为文本而应为BCD", `set mti = "ascii" or "ebcdic" in [codec]`},
	FaultBCDMTI:       {9, "消息类型为BCD而应为文本", `set mti = "bcd" in [codec]`},
	FaultNoBit:        {14, "域存在但位图未置位", "set the field's bit in the bitmap, or leave the field out"},
	FaultNoField:      {16, "位图已置位但域不存在", "clear the field's bit in the bitmap, or send the field"},
	FaultTrailing:     {13, "报文尾部有多余字节", "look at what the sender appends: a trailer (set it in [frame]), line ends, or the next message"},
	FaultNoTrailer:    {9, "缺少帧尾", "send the trailer behind the message, or leave trailer out of [frame]"},
	FaultLeading:      {22, "报文前有多余字节", "look at what the sender puts in front: a longer length, or a header (set it in [frame])"},
	FaultSerial:       {9, "串口帧的STX和ETX", "take STX, ETX and the check byte away where the serial line ends: over TCP there are none"},
	FaultCut:          {18, "报文被截断", "the trace or the connection ended too early: get the whole message"},
	FaultNoTPDU:       {9, "缺少TPDU", "send five bytes of TPDU before the message, or set tpdu_bytes = 0 in [frame]"},
	FaultTwoTPDUs:     {9, "TPDU重复", "two parts of the sender both put a TPDU in front: take one away"},
	FaultStrayTPDU:    {9, "多余的TPDU", "leave the TPDU out, or set tpdu_bytes = 5 in [frame]"},
	FaultNoHeader:     {11, "缺少报文头", "send the header between TPDU and message type, or set header_bytes = 0 in [frame]"},
	FaultOddHex:       {9, "十六进制位数为奇数", "a digit was lost or doubled when the trace was copied: copy it again"},
	FaultValue:        {18, "域内容不符合格式", "let the sender write what the format says, or set the field's format in the dialect"},
	FaultWrongPreset:  {0, "所选方言不符", "use the dialect that is named"},
}

// Fault is one thing that is wrong with a message, by name and place. It never holds content.
type Fault struct {
	Name   FaultName
	Path   string // "F35", "frame", "tpdu", "bitmap" ...
	Offset int    // byte in what was given; -1 where no place is meant
	Detail string // what was found
}

// ZH is the name in Chinese.
func (f Fault) ZH() string { return faultsKnown[f.Name].zh }

// Remedy says what helps.
func (f Fault) Remedy() string { return faultsKnown[f.Name].remedy }

// String gives name, place and detail in one line.
func (f Fault) String() string {
	place := f.Path
	if f.Offset >= 0 {
		place += fmt.Sprintf(" at byte %d (0x%02X)", f.Offset, f.Offset)
	}
	return fmt.Sprintf("%s: %s: %s", f.Name, place, f.Detail)
}

// Verdict is how bytes stand to one dialect.
type Verdict struct {
	Dialect string
	Fits    bool        // a message of the dialect, whole and plausible
	Faults  []Fault     // what must be wrong for it to be one; none where it fits, or where nothing was found
	Or      []Fault     // another explanation, nearly as good
	Doubts  []string    // what looks odd in the best reading: "F12 is no time"
	Err     *FieldError // where the plain reading breaks; nil where it does not
	cost    int
}

// nearly is how much worse another explanation may be to be told as well.
const nearly = 4

// Examine holds bytes, with or without their length prefix, against dialects and tells for each of them, the best
// first, whether they are one of its messages, or which faults explain why not. It tries every fault of the list alone
// and in pairs, and takes what leaves the fewest doubts.
func Examine(raw []byte, dialects ...*Dialect) []Verdict {
	list := make([]Verdict, 0, len(dialects))
	for _, d := range dialects {
		list = append(list, d.examine(raw))
	}
	slices.SortStableFunc(list, func(a, b Verdict) int { return cmp.Or(cmp.Compare(b.fit(), a.fit()), cmp.Compare(a.cost, b.cost)) })
	return list
}

func (v Verdict) fit() int {
	if v.Fits {
		return 1
	}
	return 0
}

func (d *Dialect) examine(raw []byte) Verdict {
	if len(raw) > d.frame.max+2*longestHeader {
		return Verdict{Dialect: d.name, cost: unread, Err: faultAt("frame", 0, "%d bytes exceed the dialect's limit of %d", len(raw), d.frame.max)}
	}
	e := examiner{d: d, raw: raw}
	e.tryAll()
	v := Verdict{Dialect: d.name, cost: unread}
	_, _, _, err := d.UnpackPasted(raw)
	if fe, ok := err.(*FieldError); ok { //nolint:errorlint // the codec returns it unwrapped
		v.Err = fe
	}
	if len(e.readings) == 0 {
		return v
	}
	slices.SortStableFunc(e.readings, func(a, b reading) int { return cmp.Compare(a.cost(), b.cost()) })
	best := e.readings[0]
	v.cost, v.Faults, v.Doubts = best.cost(), best.faults, best.doubts
	v.Fits = len(best.faults) == 0 && len(best.doubts) == 0
	for _, other := range e.readings[1:] {
		if !v.Fits && other.cost() <= best.cost()+nearly && len(other.faults) > 0 && !sameFaults(other.faults, best.faults) {
			v.Or = other.faults
			break
		}
	}
	if best.burden() >= hopeless {
		v.cost, v.Faults, v.Or = unread, nil, nil
	}
	return v
}

const (
	hopeless = 60      // the burden from which an explanation explains nothing
	unread   = 1 << 20 // the cost of bytes that nothing explains
)

func sameFaults(a, b []Fault) bool {
	return slices.EqualFunc(a, b, func(a, b Fault) bool { return a.Name == b.Name })
}
