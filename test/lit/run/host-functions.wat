;; The host calls its own functions: one that a component exports as it came in, and a start function.
;; RUN: %wjit run --invoke 'get-random-bytes(3)' %s | FileCheck %s --check-prefix=BYTES
;; BYTES: {{^\[[0-9]+, [0-9]+, [0-9]+\]$}}
;; RUN: %wjit run --invoke 'wait-for(20000000)' %s | count 0
;; RUN: %wjit run --invoke resolution %s | FileCheck %s --check-prefix=VALUE
;; VALUE: {{^[1-9][0-9]*$}}
;; RUN: not %wjit run --invoke 'get-stdin()' %s 2>&1 | FileCheck %s --check-prefix=HANDLES
;; HANDLES: not supported yet: handles between the host and its own `wasi:cli/stdin@0.2.0#get-stdin`
;; A start function may not wait.
;; RUN: sed 's/(;start//; s/start;)//' %s >%t.wat; %wjit run --invoke resolution %t.wat 2>%t.err; test $? = 134
;; RUN: FileCheck %s --check-prefix=WAITS <%t.err
;; WAITS: wasm trap: canonical ABI violation: cannot block a synchronous task before returning
(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "get-resolution" (func (result u64)))
    (export "wait-for" (func async (param "how-long" u64)))))
  (import "wasi:random/random@0.3.0" (instance $random
    (export "get-random-bytes" (func (param "max-len" u64) (result (list u8))))))
  (import "wasi:io/streams@0.2.0" (instance $streams (export "input-stream" (type (sub resource)))))
  (alias export $streams "input-stream" (type $input-stream))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input-stream (type $input))
    (export "input-stream" (type $t (eq $input)))
    (export "get-stdin" (func (result (own $t))))))
  (alias export $clock "get-resolution" (func $get-resolution))
  (start $get-resolution (result (value $resolution)))
  (export "resolution" (value $resolution))
  (export "get-random-bytes" (func $random "get-random-bytes"))
  (export "wait-for" (func $clock "wait-for"))
  (export "get-stdin" (func $stdin "get-stdin"))
  (;start
  (value $long u64 3000000000)
  (alias export $clock "wait-for" (func $wait-for))
  (start $wait-for (value $long))
  start;)
)
