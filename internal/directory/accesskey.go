package directory

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"

	"waybill"
)

// AccessKeyPrefix begins the ID of every access key that IssueAccessKey makes, so
// that a leaked one is found by those who look for them.
const AccessKeyPrefix = "WBAK"

// maxAccessKeys is how many access keys a user may have before no more are issued.
const maxAccessKeys = 100

// IssueAccessKey gives a user a new access key with a secret of 256 random bits
// and returns it. No document names the key, so an Apply lets it stand as long as
// its user does.
func (d *Directory) IssueAccessKey(ctx context.Context, account, name string) (waybill.AccessKey, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return waybill.AccessKey{}, err
	}
	k := waybill.AccessKey{
		ID:     AccessKeyPrefix + rand.Text()[:20],
		Secret: base64.RawURLEncoding.EncodeToString(random),
	}
	err := d.changeUser(ctx, account, name, func(u *user) error {
		if len(u.AccessKeys) >= maxAccessKeys {
			return waybill.Errorf(waybill.TooLarge, "user %q has %d access keys, more cannot be made", name, len(u.AccessKeys))
		}
		u.AccessKeys = append(slices.Clip(u.AccessKeys), k)
		u.issued = append(slices.Clip(u.issued), k.ID)
		return nil
	})
	if err != nil {
		return waybill.AccessKey{}, err
	}
	return k, nil
}

// DisableAccessKey has an access key of a user refused from now on, or, where
// disabled is false, taken again. A document that names the key says so too when
// it is applied again.
func (d *Directory) DisableAccessKey(ctx context.Context, account, name, id string, disabled bool) error {
	return d.changeUser(ctx, account, name, func(u *user) error {
		i, err := u.find(id)
		if err != nil {
			return err
		}
		u.AccessKeys = slices.Clone(u.AccessKeys)
		u.AccessKeys[i].Disabled = disabled
		return nil
	})
}

// DeleteAccessKey takes an access key from a user. A document that names it brings
// it back when it is applied again.
func (d *Directory) DeleteAccessKey(ctx context.Context, account, name, id string) error {
	return d.changeUser(ctx, account, name, func(u *user) error {
		i, err := u.find(id)
		if err != nil {
			return err
		}
		u.AccessKeys = slices.Delete(slices.Clone(u.AccessKeys), i, i+1)
		u.issued = slices.DeleteFunc(slices.Clone(u.issued), func(issued string) bool { return issued == id })
		return nil
	})
}

func (u *user) find(id string) (int, error) {
	i := slices.IndexFunc(u.AccessKeys, func(k waybill.AccessKey) bool { return k.ID == id })
	if i < 0 {
		return 0, waybill.Errorf(waybill.NotFound, "access key %q of user %q does not exist", id, u.User.Name)
	}
	return i, nil
}

// changeUser stores what change makes of a copy of a user, whose slices it must
// not write to.
func (d *Directory) changeUser(ctx context.Context, account, name string, change func(*user) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return err
	}
	r := UserRef(account, name)
	have, ok := d.entries[r.key()].(user)
	if !ok {
		return r.unknown()
	}
	u := have
	if err := change(&u); err != nil {
		return err
	}
	if equal(have, u) {
		return nil
	}
	return d.commit(ctx, map[string]entry{r.key(): u}, d.next)
}
