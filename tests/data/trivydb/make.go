// Writes the fixtures of this directory with the genuine bbolt and prints what it reads back.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// A bucket with its content, or a key with its value, as Trivy's integration tests list them.
type entry struct {
	Bucket string          `json:"bucket"`
	Pairs  []entry         `json:"pairs"`
	Key    string          `json:"key"`
	Value  json.RawMessage `json:"value"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func open(path string, page int) *bolt.DB {
	os.Remove(path)
	db, err := bolt.Open(path, 0o644, &bolt.Options{PageSize: page})
	must(err)
	db.AllocSize = page
	return db
}

func put(parent *bolt.Bucket, entries []entry) {
	for _, e := range entries {
		if e.Bucket != "" {
			child, err := parent.CreateBucketIfNotExists([]byte(e.Bucket))
			must(err)
			put(child, e.Pairs)
			continue
		}
		if len(e.Value) == 0 {
			e.Value = []byte("{}")
		}
		var compact bytes.Buffer
		must(json.Compact(&compact, e.Value))
		must(parent.Put([]byte(e.Key), compact.Bytes()))
	}
}

func trivy() {
	text, err := os.ReadFile("db.json")
	must(err)
	var entries []entry
	must(json.Unmarshal(text, &entries))
	db := open("trivy.db", 4096)
	must(db.Update(func(tx *bolt.Tx) error {
		for _, e := range entries {
			root, err := tx.CreateBucketIfNotExists([]byte(e.Bucket))
			must(err)
			put(root, e.Pairs)
		}
		return nil
	}))
	finish(db, "trivy.db")
}

// The smallest database that is one, in small pages.
func tiny() {
	db := open("tiny.db", 512)
	must(db.Update(func(tx *bolt.Tx) error {
		put := func(root, key, value string, path ...string) {
			b, err := tx.CreateBucketIfNotExists([]byte(root))
			must(err)
			for _, name := range path {
				b, err = b.CreateBucketIfNotExists([]byte(name))
				must(err)
			}
			must(b.Put([]byte(key), []byte(value)))
		}
		put("vulnerability", "CVE-2022-3786", `{"Severity":"HIGH"}`)
		put("debian 12", "CVE-2022-3786", `{"FixedVersion":"3.0.7-1"}`, "openssl")
		return nil
	}))
	finish(db, "tiny.db")
}

// Every shape of page in little space: three levels, nested and inline buckets, values over several
// pages, empty values and buckets, pages that became free.
func shapes() {
	db := open("shapes.db", 1024)
	must(db.Update(func(tx *bolt.Tx) error {
		flat, err := tx.CreateBucket([]byte("flat"))
		must(err)
		for i := 0; i < 900; i++ {
			must(flat.Put([]byte(fmt.Sprintf("key-%04d", i)), bytes.Repeat([]byte{byte('a' + i%26)}, i%40)))
		}
		must(flat.Put([]byte("key-0450-long"), bytes.Repeat([]byte("0123456789abcdef"), 320)))
		nested, err := tx.CreateBucket([]byte("nested"))
		must(err)
		for i := 0; i < 40; i++ {
			child, err := nested.CreateBucket([]byte(fmt.Sprintf("bucket-%02d", i)))
			must(err)
			for j := 0; j < i; j++ {
				must(child.Put([]byte(fmt.Sprintf("%03d", j)), []byte("value")))
			}
		}
		deep, err := nested.CreateBucket([]byte("deep"))
		must(err)
		deeper, err := deep.CreateBucket([]byte("deeper"))
		must(err)
		return deeper.Put([]byte{0, 0xff}, []byte{0, 1, 2})
	}))
	must(db.Update(func(tx *bolt.Tx) error {
		flat := tx.Bucket([]byte("flat"))
		for i := 200; i < 400; i++ {
			must(flat.Delete([]byte(fmt.Sprintf("key-%04d", i))))
		}
		return nil
	}))
	finish(db, "shapes.db")
}

func finish(db *bolt.DB, name string) {
	must(db.Close())
	db, err := bolt.Open(name, 0o644, &bolt.Options{ReadOnly: true})
	must(err)
	sum, buckets, values := sha256.New(), 0, 0
	number := func(n int) { must(binary.Write(sum, binary.LittleEndian, uint32(n))) }
	var walk func(b *bolt.Bucket) error
	walk = func(b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			number(len(k))
			sum.Write(k)
			if v == nil {
				buckets++
				sum.Write([]byte("bucket"))
				must(walk(b.Bucket(k)))
				sum.Write([]byte("end"))
				return nil
			}
			values++
			number(len(v))
			sum.Write(v)
			return nil
		})
	}
	must(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			panic(err)
		}
		fmt.Printf("%s: page size %d, %d pages\n", name, db.Info().PageSize, tx.Size()/int64(db.Info().PageSize))
		return tx.ForEach(func(k []byte, b *bolt.Bucket) error {
			number(len(k))
			sum.Write(k)
			sum.Write([]byte("bucket"))
			buckets++
			must(walk(b))
			sum.Write([]byte("end"))
			return nil
		})
	}))
	fmt.Printf("%s: %d buckets, %d values, content %x\n", name, buckets, values, sum.Sum(nil))
	must(db.Close())
}

func main() {
	trivy()
	shapes()
	tiny()
}
