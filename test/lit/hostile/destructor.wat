;; Destructors that do what a user of the resource does not expect: drop the other end of a stream that it reads, trap, go
;; deep, drop the next resource of a long chain.
;; RUN: %wjit run --invoke 'drop-end()' %s | FileCheck %s --check-prefix=END
;; The read ends: 256 * STREAM_READ + DROPPED.
;; END: 513
;; RUN: %wjit run --invoke 'chain(100)' %s
;; RUN: for f in 'drop-busy-end()' 'trap()' 'recurse()' 'twice()' 'chain(1000000)'; do %wjit run --invoke "$f" %s 2>%t; \
;; RUN:   test $? = 134 || exit 9; echo "== $f"; cat %t; done | FileCheck %s
;; CHECK: == drop-busy-end
;; CHECK-NEXT: cannot drop busy stream 2
;; CHECK-NEXT: 0: Destructor!destroy at 0x
;; CHECK: == trap
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Destructor!destroy at 0x
;; CHECK: == recurse
;; CHECK-NEXT: wasm trap: call stack exhausted
;; CHECK-NEXT: 0: Destructor!recurse at 0x
;; CHECK: == twice
;; CHECK-NEXT: wasm trap: unknown handle index 1
;; CHECK-NEXT: 0: User!twice at 0x
;; CHECK: == chain
;; CHECK-NEXT: wasm trap: call stack exhausted
;; CHECK-NEXT: 0: Destructor!destroy at 0x
(component $destructor
  (type $bytes (stream u8))
  (component $Peer
    (type $bytes (stream u8))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (canon stream.new $bytes (core func $new-stream))
    (canon stream.write $bytes async (memory (core memory $mem "mem")) (core func $write))
    (canon stream.drop-writable $bytes (core func $drop-writable))
    (core module $Destructor
      (import "" "drop-writable" (func $drop-writable (param i32)))
      (table (export "table") 1 1 funcref)
      (type $drop (func (param i32)))
      ;; By rep: 0 nothing, 1 drop the writable end, 2 trap, 3 go deep, else drop handle rep - 3.
      (global $writable (export "writable") (mut i32) (i32.const 0))
      (func $recurse (param i32) (call $recurse (local.get 0)) (call $recurse (local.get 0)))
      (func (export "destroy") (param $rep i32)
        (if (i32.eq (local.get $rep) (i32.const 1)) (then (call $drop-writable (global.get $writable))))
        (if (i32.eq (local.get $rep) (i32.const 2)) (then unreachable))
        (if (i32.eq (local.get $rep) (i32.const 3)) (then (call $recurse (i32.const 0))))
        (if (i32.ge_u (local.get $rep) (i32.const 4)) (then
          (call_indirect (type $drop) (i32.sub (local.get $rep) (i32.const 3)) (i32.const 0))))))
    (core instance $destructor (instantiate $Destructor (with "" (instance (export "drop-writable" (func $drop-writable))))))
    (type $R (resource (rep i32) (dtor (core func $destructor "destroy"))))
    (canon resource.new $R (core func $new))
    (canon resource.drop $R (core func $drop))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "new-stream" (func $new-stream (result i64)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (import "d" "table" (table 1 funcref))
      (import "d" "writable" (global $writable (mut i32)))
      (elem (i32.const 0) func $drop)
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      ;; Handles 1 to n: the destructor of each drops the one before it.
      (func (export "chain") (param $n i32) (result i32)
        (local $handle i32)
        (local.set $handle (call $new (i32.const 0)))
        (loop $more
          (local.set $handle (call $new (i32.add (local.get $handle) (i32.const 3))))
          (br_if $more (i32.lt_u (local.get $handle) (local.get $n))))
        (local.get $handle))
      (func (export "open") (param $busy i32) (result i32)
        (local $ends i64)
        (local.set $ends (call $new-stream))
        (global.set $writable (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        (if (local.get $busy) (then (drop (call $write (global.get $writable) (i32.const 0) (i32.const 8)))))
        (i32.wrap_i64 (local.get $ends))))
    (core instance $m (instantiate $M (with "d" (instance $destructor)) (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))
      (export "new-stream" (func $new-stream)) (export "write" (func $write))))))
    (export $R' "r" (type $R))
    (func (export "make") (param "rep" u32) (result (own $R')) (canon lift (core func $m "make")))
    (func (export "chain") (param "n" u32) (result (own $R')) (canon lift (core func $m "chain")))
    (func (export "open") (param "busy" bool) (result (stream u8)) (canon lift (core func $m "open"))))
  (component $User
    (type $bytes (stream u8))
    (import "r" (type $R (sub resource)))
    (import "make" (func $make (param "rep" u32) (result (own $R))))
    (import "chain" (func $chain (param "n" u32) (result (own $R))))
    (import "open" (func $open (param "busy" bool) (result (stream u8))))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (canon lower (func $make) (core func $make'))
    (canon lower (func $chain) (core func $chain'))
    (canon lower (func $open) (core func $open'))
    (canon resource.drop $R (core func $drop))
    (canon stream.read $bytes async (memory (core memory $mem "mem")) (core func $read))
    (canon waitable-set.new (core func $new-set))
    (canon waitable.join (core func $join))
    (canon waitable-set.poll (memory (core memory $mem "mem")) (core func $poll))
    (core module $User
      (import "" "mem" (memory 1))
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "chain" (func $chain (param i32) (result i32)))
      (import "" "open" (func $open (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (import "" "new-set" (func $new-set (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "poll" (func $poll (param i32 i32) (result i32)))
      ;; The event and its payload, as 256 * event + payload.
      (func (export "drop-end") (result i32)
        (local $r i32) (local $end i32) (local $set i32)
        (local.set $r (call $make (i32.const 1)))
        (local.set $end (call $open (i32.const 0)))
        (drop (call $read (local.get $end) (i32.const 64) (i32.const 8)))
        (local.set $set (call $new-set))
        (call $join (local.get $end) (local.get $set))
        (call $drop (local.get $r))
        (i32.add (i32.mul (i32.const 256) (call $poll (local.get $set) (i32.const 0))) (i32.load (i32.const 4))))
      (func (export "drop-busy-end")
        (drop (call $open (i32.const 1)))
        (call $drop (call $make (i32.const 1))))
      (func (export "trap") (call $drop (call $make (i32.const 2))))
      (func (export "recurse") (call $drop (call $make (i32.const 3))))
      (func (export "chain") (param i32) (call $drop (call $chain (local.get 0))))
      (func (export "twice") (local $r i32)
        (local.set $r (call $make (i32.const 0))) (call $drop (local.get $r)) (call $drop (local.get $r))))
    (core instance $m (instantiate $User (with "" (instance (export "mem" (memory $mem "mem")) (export "make" (func $make')) (export "chain" (func $chain'))
      (export "open" (func $open')) (export "drop" (func $drop)) (export "read" (func $read)) (export "new-set" (func $new-set))
      (export "join" (func $join)) (export "poll" (func $poll))))))
    (func (export "drop-end") (result u32) (canon lift (core func $m "drop-end")))
    (func (export "drop-busy-end") (canon lift (core func $m "drop-busy-end")))
    (func (export "trap") (canon lift (core func $m "trap")))
    (func (export "recurse") (canon lift (core func $m "recurse")))
    (func (export "chain") (param "n" u32) (canon lift (core func $m "chain")))
    (func (export "twice") (canon lift (core func $m "twice"))))
  (instance $peer (instantiate $Peer))
  (instance $user (instantiate $User (with "r" (type $peer "r")) (with "make" (func $peer "make"))
    (with "chain" (func $peer "chain")) (with "open" (func $peer "open"))))
  (export "drop-end" (func $user "drop-end")) (export "drop-busy-end" (func $user "drop-busy-end"))
  (export "trap" (func $user "trap")) (export "recurse" (func $user "recurse")) (export "chain" (func $user "chain"))
  (export "twice" (func $user "twice")))
