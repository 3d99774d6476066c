;; A component in the text format: two functions, and an instance with one more.
;;   wjit run --invoke 'sum(1, 2)' examples/calc.wat
;;   wjit run --invoke 'concat("hello, ", "world")' examples/calc.wat
(component
  (core module $Calc
    (memory (export "memory") 1)

    ;; What is allocated lives until the component instance is gone, except that each call of `concat` starts afresh:
    ;; `forget` is its post-return function.
    (global $free (mut i32) (i32.const 16))
    (func $realloc (export "realloc")
      (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $block i32)
      ;; block = (free + align - 1) & -align
      (local.set $block
        (i32.and
          (i32.sub (i32.add (global.get $free) (local.get $align)) (i32.const 1))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $block) (local.get $size)))
      ;; grow the memory until the block fits
      (loop $grow
        (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16)))
          (then
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
            (br $grow))))
      (local.get $block))
    (func (export "forget") (param i32) (global.set $free (i32.const 16)))

    (func (export "add") (param $a i32) (param $b i32) (result i32)
      (i32.add (local.get $a) (local.get $b)))

    ;; A string is (pointer, length). The result does not fit in one register, so a pointer to it is returned.
    (func (export "concat")
      (param $a i32) (param $a-length i32) (param $b i32) (param $b-length i32) (result i32)
      (local $text i32)
      (local.set $text
        (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get $a-length) (local.get $b-length))))
      (memory.copy (local.get $text) (local.get $a) (local.get $a-length))
      (memory.copy (i32.add (local.get $text) (local.get $a-length)) (local.get $b) (local.get $b-length))
      (i32.store (i32.const 8) (local.get $text))
      (i32.store (i32.const 12) (i32.add (local.get $a-length) (local.get $b-length)))
      (i32.const 8)))

  (core instance $calc (instantiate $Calc))
  (alias core export $calc "memory" (core memory $memory))
  (alias core export $calc "realloc" (core func $realloc))

  (func $add (param "a" s32) (param "b" s32) (result s32)
    (canon lift (core func $calc "add")))
  (func $concat (param "a" string) (param "b" string) (result string)
    (canon lift (core func $calc "concat") (memory $memory) (realloc $realloc)
      (post-return (core func $calc "forget"))))

  (export "sum" (func $add))
  (export "concat" (func $concat))
  (instance $ops (export "add" (func $add)))
  (export "docs:calc/ops@0.1.0" (instance $ops)))
