package port

import (
	"fmt"
	"log/slog"
)

// Secret holds bytes from a card or a code on their way through posd. It prints masked, and Wipe ends it.
// The zero value holds nothing.
type Secret struct{ b []byte }

// NewSecret takes ownership of b: nobody else may keep or change it.
func NewSecret(b []byte) Secret { return Secret{b: b} }

// Reveal hands the bytes to use, which must not keep them.
func (s Secret) Reveal(use func([]byte)) { use(s.b) }

// Len is the number of bytes.
func (s Secret) Len() int { return len(s.b) }

// Wipe overwrites the bytes. It may be called more than once.
func (s Secret) Wipe() { clear(s.b) }

// String is a mask; so are the other ways to print a Secret.
func (s Secret) String() string { return "(secret)" }

// Format keeps every fmt verb from the content.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(secret)")) }

// MarshalJSON gives the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"(secret)"`), nil }

// LogValue gives the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }
