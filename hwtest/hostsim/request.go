package hostsim

// request is what the host understood of a message.
type request struct {
	mti      string
	name     string // the dialect's transaction
	reversal bool   // it reverses a transaction of that name
	terminal string
	merchant string
	batch    string
	trace    string
	amount   int64
	currency string
}

// kind is what rules call it.
func (q *request) kind() string {
	if q.reversal {
		return q.name + "-reversal"
	}
	return q.name
}
