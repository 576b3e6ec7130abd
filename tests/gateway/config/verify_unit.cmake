# Runs `systemd-analyze verify` over the unit, with /bin/true for the gateway, and once more with a planted
# mistake that it must find.
cmake_minimum_required(VERSION 3.25)
find_program(ANALYZE systemd-analyze)
if(NOT ANALYZE)
  message("skipped: systemd-analyze is missing")
  return()
endif()

file(READ ${UNIT} text)
if(NOT text MATCHES "ExecStart=/usr/bin/backhandd ")
  message(FATAL_ERROR "the unit does not start /usr/bin/backhandd")
endif()
string(REPLACE "/usr/bin/backhandd" "/bin/true" text "${text}")

# Sets `out` to what verify prints about the unit with this text; empty where all is well.
function(verify name unit_text out)
  file(WRITE ${SCRATCH}/${name}.service "${unit_text}")
  execute_process(COMMAND ${ANALYZE} verify --man=no ${SCRATCH}/${name}.service
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  # Other units of the machine may have faults of their own.
  string(REGEX MATCHALL "[^\n]*${name}\\.service[^\n]*" lines "${output}")
  if(status AND NOT lines)
    set(lines "exit status ${status}: ${output}")
  endif()
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

verify(backhand "${text}" complaints)
if(complaints)
  message(FATAL_ERROR "systemd-analyze verify complains: ${complaints}")
endif()
string(REPLACE "RemoveIPC=no" "RemoveIPCs=no" planted "${text}")
verify(backhand-planted "${planted}" complaints)
if(NOT complaints)
  message(FATAL_ERROR "systemd-analyze verify missed a misspelt key: this test proves nothing")
endif()
