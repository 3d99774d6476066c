;; Throws that leave their function cost no memory that stays.
;; RUN: %wjit run --invoke 'throws(1000)' %s | FileCheck %s
;; RUN: env ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1 python3 -c "import resource, subprocess, sys; most = lambda n: (subprocess.run(sys.argv[1:] + ['--invoke', f'throws({n})', '%s'], check=True, capture_output=True), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)[1]; few = most(1000); print('more KiB:', most(500000) - few < 40000)" %program run | FileCheck %s --check-prefix=MEMORY
;; CHECK: 1000
;; MEMORY: more KiB: True
(module
  (tag $t (param i32))
  (func $throw (param i32) (throw $t (local.get 0)))
  (func (export "throws") (param $n i32) (result i32)
    (local $caught i32)
    (loop $again
      (block $handler (result i32)
        (try_table (catch $t $handler) (call $throw (i32.const 1)))
        (unreachable))
      (local.set $caught (i32.add (local.get $caught)))
      (br_if $again (i32.lt_u (local.get $caught) (local.get $n))))
    (local.get $caught)))
