package port

import "context"

func openSerial(Address) (Conn, error)               { return nil, ErrNotBuilt }
func openTCP(context.Context, Address) (Conn, error) { return nil, ErrNotBuilt }
