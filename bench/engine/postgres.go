package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill"
)

// postgresTables are tables of a PostgreSQL server that runs for them alone and
// ends with them. A batch is a few statements that take arrays.
type postgresTables struct {
	server *exec.Cmd
	conn   *pgx.Conn
}

// postgresBinaries returns the directory of initdb and postgres, empty where
// there is none. Debian keeps it out of PATH.
func postgresBinaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return ""
	}
	path, err := filepath.EvalSymlinks(found[len(found)-1])
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

func missingPostgres() string {
	_, err := postgresUser()
	if err != nil || postgresBinaries() == "" {
		return "PostgreSQL: apt-get install postgresql"
	}
	return ""
}

func openPostgres(ctx context.Context, dir string) (Engine, error) {
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := initPostgres(ctx, dir, data); err != nil {
			return nil, err
		}
	}
	t := &postgresTables{}
	var err error
	if t.server, err = startPostgres(ctx, dir, data); err != nil {
		return nil, err
	}
	if err = t.connect(ctx, dir); err != nil {
		return nil, errors.Join(err, t.close())
	}
	refs, err := t.prepare(ctx)
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return newLedger(t, refs, recentMessages), nil
}

func initPostgres(ctx context.Context, dir, data string) error {
	cmd, err := postgresCommand(ctx, dir, "initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// startPostgres starts the server. Its files and commits are as durable as by
// default; it gets more memory and rarer checkpoints than by default.
func startPostgres(ctx context.Context, dir, data string) (*exec.Cmd, error) {
	args := []string{"-D", data, "-k", dir}
	for _, setting := range []string{
		"listen_addresses=", "max_connections=10", "shared_buffers=512MB", "work_mem=64MB",
		"max_wal_size=4GB", "checkpoint_timeout=15min", "wal_compression=on", "jit=off",
	} {
		args = append(args, "-c", setting)
	}
	cmd, err := postgresCommand(ctx, dir, "postgres", args...)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	return cmd, errors.Join(cmd.Start(), log.Close())
}

// postgresCommand returns a command that runs in dir. PostgreSQL refuses to run as
// root, who gives the directory to the user postgres.
func postgresCommand(ctx context.Context, dir, name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(postgresBinaries(), name), args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	who, err := postgresUser()
	if err != nil || who == nil {
		return cmd, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return cmd, os.Chown(dir, int(who.Uid), int(who.Gid))
}

// postgresUser returns as whom the server runs, nil where that is the user of this
// process.
func postgresUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// connect waits until the server accepts connections: while it recovers, it
// refuses them.
func (t *postgresTables) connect(ctx context.Context, dir string) error {
	const patience = time.Minute
	var err error
	for began := time.Now(); time.Since(began) < patience; time.Sleep(5 * time.Millisecond) {
		if t.conn, err = pgx.Connect(ctx, "host="+dir+" user=bench dbname=postgres"); err == nil {
			return nil
		}
	}
	return err
}

func (t *postgresTables) prepare(ctx context.Context) (map[tuple]uint32, error) {
	// Room in each page lets a row be replaced beside its old version.
	script := fmt.Sprintf(schema, "BIGINT", " WITH (fillfactor = 85)", " WITH (fillfactor = 85)")
	if _, err := t.conn.Exec(ctx, script); err != nil {
		return nil, err
	}
	rows, err := t.conn.Query(ctx, "SELECT "+columnsOfTuples+" FROM tuples")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	refs, err := readTuples(rows.Next, rows.Scan)
	return refs, errors.Join(err, rows.Err())
}

func (t *postgresTables) load(ctx context.Context, keys []uint64, states []*state) error {
	if len(keys) == 0 {
		return nil
	}
	signed, at := make([]int64, len(keys)), make(map[int64]*state, len(keys))
	for i, key := range keys {
		signed[i], at[int64(key)] = int64(key), states[i]
	}
	rows, err := t.conn.Query(ctx, "SELECT "+columnsOfStates+" FROM states WHERE key = ANY($1)", signed)
	if err != nil {
		return err
	}
	defer rows.Close()
	return errors.Join(readStates(rows.Next, rows.Scan, at), rows.Err())
}

const insertArrays = ` SELECT * FROM unnest($1::bigint[], $2::int[], $3::int[],
	$4::int[], $5::int[], $6::int[], $7::int[], $8::int[])`

func (t *postgresTables) commit(ctx context.Context, c *change) error {
	var b pgx.Batch
	b.Queue("BEGIN")
	values := c.tupleValues()
	for ; len(values) > 0; values = values[2+len(stored):] {
		b.Queue("INSERT INTO tuples VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", values[:2+len(stored)]...)
	}
	b.Queue("INSERT INTO states"+insertArrays+stateUpsert, arrays(c.stateValues())...)
	b.Queue("INSERT INTO cells"+insertArrays+cellUpsert, arrays(c.cellValues())...)
	b.Queue("COMMIT")
	return t.conn.SendBatch(ctx, &b).Close()
}

// arrays returns the values of rows of eight numbers by column.
func arrays(values []any) []any {
	const columns = 8
	var all [columns][]int64
	for i, v := range values {
		all[i%columns] = append(all[i%columns], v.(int64))
	}
	args := make([]any, columns)
	for i := range all {
		args[i] = all[i]
	}
	return args
}

func (t *postgresTables) points(ctx context.Context, s *series) ([]waybill.Point, error) {
	rows, err := t.conn.Query(ctx, s.query("$1"), s.parameters()...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	points, err := s.readPoints(rows.Next, rows.Scan)
	return points, errors.Join(err, rows.Err())
}

// close stops the server as by pg_ctl stop -m fast.
func (t *postgresTables) close() error {
	var err error
	if t.conn != nil {
		err = t.conn.Close(context.Background())
	}
	return errors.Join(err, t.server.Process.Signal(syscall.SIGINT), t.server.Wait())
}
