package iso8583

// Class says what may be kept of a field.
type Class int

// The classes. The zero value is the careful one.
const (
	Secret Class = iota // nothing but its length
	Masked              // first 6 and last 4 digits
	Public              // as it is
)
