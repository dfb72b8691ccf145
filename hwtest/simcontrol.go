package main

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxControl bounds a body of a control interface.
const maxControl = 64 << 10

// guarded lets nobody in without the token, if there is one, and never a web page: a browser names its origin.
func guarded(token string, h http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Origin") != "":
			http.Error(w, "not for web pages", http.StatusForbidden)
		case token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1:
			http.Error(w, "this takes Authorization: Bearer and the token", http.StatusUnauthorized)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxControl)
			h.ServeHTTP(w, r)
		}
	})
}

// onBody makes a handler of a function that takes a JSON body and answers nothing but an error.
func onBody[T any](do func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		err := readJSON(r, &in)
		if err == nil {
			err = do(in)
		}
		answerJSON(w, struct{}{}, err)
	}
}

// onGet makes a handler of a function that has something to show.
func onGet[T any](show func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, show(), nil) }
}

func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body is not what this call takes: %w", err)
	}
	return nil
}

// answerJSON answers; an error is a refusal in plain words.
func answerJSON(w http.ResponseWriter, body any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who has hung up needs no answer
}

// The keys of a rule that are no text.
var (
	numberKeys = []string{"amount", "nth", "times", "value", "waits", "seed", "chance", "balance", "ask_above", "digits"}
	yesNoKeys  = []string{"commit"}
)

// ruleFlags makes the JSON of rules out of flags such as "amount=666,do=silent". Whoever reads the JSON checks it.
func ruleFlags(flags []string) ([]byte, error) { return pairFlags("--fault", flags) }

// pairFlags makes a JSON array out of a flag's values, each an object.
func pairFlags(flag string, values []string) ([]byte, error) {
	objects := []map[string]any{}
	for _, f := range values {
		object := map[string]any{}
		for pair := range strings.SplitSeq(f, ",") {
			key, text, ok := strings.Cut(strings.TrimSpace(pair), "=")
			if !ok {
				return nil, fmt.Errorf("%s %q: want key=value,key=value", flag, f)
			}
			value, err := ruleValue(key, text)
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", flag, f, err)
			}
			object[key] = value
		}
		objects = append(objects, object)
	}
	return json.Marshal(objects)
}

func ruleValue(key, text string) (any, error) {
	switch {
	case slices.Contains(numberKeys, key):
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errors.New(key + " is a whole number (amounts in minor units)")
		}
		return n, nil
	case slices.Contains(yesNoKeys, key):
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New(key + " is true or false")
		}
		return yes, nil
	default:
		return text, nil
	}
}
