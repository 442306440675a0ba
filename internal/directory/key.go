package directory

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"waybill"
)

// A Key encrypts the secrets of a directory. It prints as ***.
type Key [32]byte

// String hides the key.
func (Key) String() string { return "***" }

// GoString hides the key.
func (Key) GoString() string { return "***" }

// LoadKey returns the key of the directory in store: what ReadKey returns. A file
// that is absent is made, with a new key and mode 0600, unless store already has
// secrets: those need the key they were written with.
func LoadKey(ctx context.Context, store waybill.Store, env, file string) (Key, error) {
	key, err := ReadKey(env, file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(ctx, store, file)
	}
	return key, err
}

// ReadKey returns the key that env holds, the value of WAYBILL_SECRET_KEY: 32
// bytes in base64 or hex. Where env is empty the file holds it.
func ReadKey(env, file string) (Key, error) {
	text, place := env, "WAYBILL_SECRET_KEY"
	if env == "" {
		read, err := os.ReadFile(file)
		if err != nil {
			return Key{}, fmt.Errorf("read secret key: %w", err)
		}
		text, place = string(read), "secret key file "+file
	}
	key, ok := decodeKey(text)
	if !ok {
		return Key{}, waybill.Errorf(waybill.Invalid, "%s is not 32 bytes in base64 or hex", place)
	}
	return key, nil
}

func decodeKey(text string) (key Key, ok bool) {
	text = strings.TrimSpace(text)
	if b, err := hex.DecodeString(text); err == nil && len(b) == len(key) {
		return Key(b), true
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) != len(key) {
		return Key{}, false
	}
	return Key(b), true
}

// makeKey writes a new key to the file, for a store without secrets.
func makeKey(ctx context.Context, store waybill.Store, file string) (Key, error) {
	checks, err := store.Records(ctx, checkRecord)
	if err != nil {
		return Key{}, fmt.Errorf("look for the key check: %w", err)
	}
	if len(checks) > 0 {
		return Key{}, waybill.Errorf(waybill.Invalid,
			"secret key file %s is gone, but the store holds secrets encrypted with it: "+
				"put the file back or set WAYBILL_SECRET_KEY", file)
	}
	var key Key
	if _, err := rand.Read(key[:]); err != nil {
		return Key{}, fmt.Errorf("make secret key: %w", err)
	}
	if err := writeKey(file, key); err != nil {
		return Key{}, fmt.Errorf("write secret key: %w", err)
	}
	return key, nil
}

// writeKey writes the key durably under a name that must be free.
func writeKey(file string, key Key) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key[:]))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// A sealer encrypts the secrets of records with AES-256-GCM. The record's key is
// authenticated along, so that no secret can be moved to another record.
type sealer struct {
	aead     cipher.AEAD
	versions []byte // the key of what View.Version returns
}

func newSealer(key Key) (sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return sealer{}, fmt.Errorf("secret key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("secret key: %w", err)
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("versions"))
	return sealer{aead, mac.Sum(nil)}, nil
}

// seal encrypts the JSON of v for the record with the given key.
func (s sealer) seal(key string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode secrets of %s: %w", key, err)
	}
	return s.aead.Seal(nil, nil, plain, []byte(key)), nil
}

// open decrypts what seal returned for the same key into v.
func (s sealer) open(key string, sealed []byte, v any) error {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(key))
	if err != nil {
		return fmt.Errorf("decrypt secrets of %s: %w", key, err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("decode secrets of %s: %w", key, err)
	}
	return nil
}
