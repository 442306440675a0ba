package rest

import (
	"context"

	"waybill"
)

type operatorKey struct{}

// WithOperator returns a context whose calls are the operator's, without a token:
// for a program that runs the API for itself, on data that it has opened. No
// request from outside can carry it.
func WithOperator(ctx context.Context) context.Context {
	return context.WithValue(ctx, operatorKey{}, true)
}

// byOperator returns the token that stands for the operator where ctx is one of
// WithOperator.
func byOperator(ctx context.Context) (waybill.Token, bool) {
	if ctx.Value(operatorKey{}) == nil {
		return waybill.Token{}, false
	}
	return waybill.Token{Name: "operator", Scopes: []string{waybill.ScopeAdmin}}, true
}
