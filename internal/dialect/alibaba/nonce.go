package alibaba

import (
	"hash/maphash"
	"sync"
	"time"
)

// nonceGenerations is the number of parts that the kept nonces are divided into
// by age; the oldest is dropped as a whole.
const nonceGenerations = 4

// nonces remembers the nonces of verified calls, so that none is answered twice.
// It is kept in memory: a restart forgets, and each of several servers remembers
// its own, so that a call that was overheard could be sent once more, within the
// window of its time stamp. All methods can be called concurrently.
//
// An account may remember as many nonces as there is space left. So the memory
// never exceeds its bound, and an account that sends many calls leaves space to
// those that come after it: one alone gets half, k alike get 1/(k+1) each.
type nonces struct {
	span  time.Duration // of one generation
	limit int
	seed  maphash.Seed

	mu         sync.Mutex
	generation int64 // the newest
	total      int
	accounts   map[string]*accountNonces
}

// accountNonces are the hashes of one account's nonces. With 64 bits and a
// million of them, one call in 10^13 is taken for a repetition.
type accountNonces struct {
	count       int
	generations [nonceGenerations]map[uint64]struct{}
}

// newNonces returns nonces that are kept for at least the given time, and a
// third of it longer at most. At most limit are kept, in about 32 bytes each.
func newNonces(keep time.Duration, limit int) *nonces {
	return &nonces{
		// A nonce is kept while its generation and those after it are kept.
		span:     (keep + nonceGenerations - 2) / (nonceGenerations - 1),
		limit:    limit,
		seed:     maphash.MakeSeed(),
		accounts: make(map[string]*accountNonces),
	}
}

// use records the nonce of a call of the account, signed with the access key. It
// fails if the nonce was used, or if the account has no space left.
func (n *nonces) use(account, accessKey, nonce string, now time.Time) error {
	hash := n.hash(accessKey, nonce)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn(now)
	a := n.accounts[account]
	if a == nil {
		a = new(accountNonces)
	}
	if a.has(hash) {
		return errNonceUsed
	}
	if a.count >= n.limit-n.total {
		return errThrottling(time.Second)
	}
	n.accounts[account] = a
	n.total++
	a.add(n.generation, hash)
	return nil
}

func (n *nonces) hash(accessKey, nonce string) uint64 {
	var h maphash.Hash
	h.SetSeed(n.seed)
	h.WriteString(accessKey)
	h.WriteByte(0)
	h.WriteString(nonce)
	return h.Sum64()
}

// turn drops the generations that are too old by now. A clock that was set back
// drops nothing.
func (n *nonces) turn(now time.Time) {
	newest := now.UnixNano() / int64(n.span)
	for step := min(newest-n.generation, nonceGenerations); step > 0; step-- {
		n.drop(newest - step + 1)
	}
	n.generation = max(n.generation, newest)
}

// drop makes space for a generation in the place of the oldest.
func (n *nonces) drop(generation int64) {
	for account, a := range n.accounts {
		slot := &a.generations[generation%nonceGenerations]
		n.total -= len(*slot)
		a.count -= len(*slot)
		if *slot = nil; a.count == 0 {
			delete(n.accounts, account)
		}
	}
}

func (a *accountNonces) has(hash uint64) bool {
	for _, g := range a.generations {
		if _, ok := g[hash]; ok {
			return true
		}
	}
	return false
}

func (a *accountNonces) add(generation int64, hash uint64) {
	slot := &a.generations[generation%nonceGenerations]
	if *slot == nil {
		*slot = make(map[uint64]struct{})
	}
	(*slot)[hash] = struct{}{}
	a.count++
}
