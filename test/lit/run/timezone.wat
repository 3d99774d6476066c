;; Time zones: the host's; less than a day from UTC, or none (0.3) and UTC (0.2).
;; RUN: env TZ=ABC-5:30 %wjit run --invoke 'offset({seconds: 0, nanoseconds: 0})' %s | FileCheck %s --check-prefix=EAST
;; EAST: some(19800000000000)
;; RUN: env TZ=ABC-5:30 %wjit run --invoke 'display({seconds: 0, nanoseconds: 0})' %s | FileCheck %s --check-prefix=NAME
;; NAME: {utc-offset: 19800, name: "ABC", in-daylight-saving-time: false}
;; RUN: env TZ=ABC23:59:59 %wjit run --invoke 'offset({seconds: -1, nanoseconds: 0})' %s | FileCheck %s --check-prefix=WEST
;; WEST: some(-86399000000000)
;; RUN: env TZ=ABC24 %wjit run --invoke 'offset({seconds: 0, nanoseconds: 0})' %s | FileCheck %s --check-prefix=NONE
;; RUN: env TZ=ABC-24 %wjit run --invoke 'offset({seconds: 0, nanoseconds: 0})' %s | FileCheck %s --check-prefix=NONE
;; RUN: env TZ=ABC-5:30 %wjit run --invoke 'offset({seconds: 9223372036854775807, nanoseconds: 0})' %s | FileCheck %s --check-prefix=NONE
;; NONE: none
;; RUN: env TZ=ABC24 %wjit run --invoke 'display({seconds: 0, nanoseconds: 0})' %s | FileCheck %s --check-prefix=UTC
;; RUN: env TZ=ABC-5:30 %wjit run --invoke 'display({seconds: 9223372036854775807, nanoseconds: 0})' %s | FileCheck %s --check-prefix=UTC
;; RUN: env TZ=ABC-5:30 %wjit run --invoke 'display({seconds: 9223372036854775808, nanoseconds: 0})' %s | FileCheck %s --check-prefix=UTC
;; RUN: env TZ=ABC-5:30 %wjit run --invoke 'display({seconds: 18446744073709551615, nanoseconds: 0})' %s | FileCheck %s --check-prefix=UTC
;; UTC: {utc-offset: 0, name: "UTC", in-daylight-saving-time: false}
(component
  (import "wasi:clocks/timezone@0.3.0" (instance $new
    (type $record (record (field "seconds" s64) (field "nanoseconds" u32)))
    (export "instant" (type $instant (eq $record)))
    (export "utc-offset" (func (param "when" $instant) (result (option s64))))))
  (import "wasi:clocks/timezone@0.2.0" (instance $old
    (type $record (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $record)))
    (type $shown (record (field "utc-offset" s32) (field "name" string) (field "in-daylight-saving-time" bool)))
    (export "timezone-display" (type $display (eq $shown)))
    (export "display" (func (param "when" $datetime) (result $display)))))
  (export "offset" (func $new "utc-offset"))
  (export "display" (func $old "display")))
