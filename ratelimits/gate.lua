-- Rates, credits and caps of one customer in one answer, all or nothing.
--
-- Every key carries the customer as hash tag, so that a call runs on one node of a
-- cluster. The clock is Redis' own. Amounts are two integers, millionths of a credit and
-- 10^-18ths of one, since Lua's numbers hold 53 bits; `bucket.py` says what a bucket is.

local CARRY, UNIT, MOST_TROUGHS = 1000000000000, 60000, 32
-- How long a hold that ended is remembered, in milliseconds, and how many at most are
-- ended on the way by one call.
local MEMORY, MOST_ENDED = 600000, 2000
-- How late a base may come, in milliseconds; with its age, less than the grace of holds.
local MOST_LATE = 5000
local OPEN, SETTLED, RELEASED, EXPIRED = 0, 1, 2, 3
-- Read by the first call of each run.
local run

local function normal(high, low)
  local carry = math.floor(low / CARRY)
  return { high + carry, low - carry * CARRY }
end

local function add(left, right)
  return normal(left[1] + right[1], left[2] + right[2])
end

local function subtract(left, right)
  return normal(left[1] - right[1], left[2] - right[2])
end

local function is_less(left, right)
  return left[1] < right[1] or (left[1] == right[1] and left[2] < right[2])
end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function unpacked(text)
  return text and cmsgpack.unpack(text) or nil
end

-- Names this run of the server: after a restart or a failover it is another.
local function get_run()
  run = run or string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  return run
end

-- What is known of a customer: its base from PostgreSQL, and what is held beside it.
-- What another run left in a snapshot or a replica lacks the holds made since: it counts
-- for nothing.
local function read_state(keys)
  local state = unpacked(redis.call('GET', keys[1]))
  if state and state.run == get_run() then
    return state
  end
  redis.call('DEL', keys[1], keys[2], keys[3])
  return { held = { 0, 0 }, caps = {}, calls = {}, run = get_run() }
end

local function write_state(keys, state, now, ttl)
  local until_lease = state.generation and state.lease_until - now or 0
  local lasts = math.max(ttl + MEMORY, until_lease, UNIT)
  redis.call('SET', keys[1], cmsgpack.pack(state), 'PX', lasts)
  for number = 2, 4 do
    redis.call('PEXPIRE', keys[number], lasts)
  end
end

-- Takes a base in, unless one that is younger is there, or it comes too late: from a
-- server that hung, to which it was said long ago.
local function take_base(keys, state, base, now)
  if base.as_of and now - base.as_of > MOST_LATE then
    return
  end
  if state.generation ~= base.generation then
    if not base.begins then
      return
    end
    -- Holds of an earlier generation are kept in PostgreSQL, by its lease; 0 has none.
    if state.generation ~= 0 then
      redis.call('DEL', keys[2], keys[3])
      state.held, state.caps, state.calls = { 0, 0 }, {}, {}
    end
    state.generation, state.sequence = base.generation, -1
    state.lease, state.lease_until = { 0, 0 }, 0
  end
  if base.lease then
    if is_less(state.lease, base.lease) then
      state.lease = base.lease
    end
    state.lease_until = math.max(state.lease_until, now + base.lease_lasts)
  end
  if base.sequence >= state.sequence then
    state.sequence, state.available = base.sequence, base.available
    state.spent, state.read_at = base.spent, now
    state.valid_until = now + base.lasts
  end
end

local function read_bucket(keys, name)
  local text = redis.call('HGET', keys[4], name)
  return unpacked(text) or { used = 0, at = 0, taken = 0, troughs = {} }
end

local function write_bucket(keys, name, bucket)
  redis.call('HSET', keys[4], name, cmsgpack.pack(bucket))
end

local function refill(bucket, limit, now)
  bucket.used = math.max(0, bucket.used - math.max(0, now - bucket.at) * limit)
  bucket.at, bucket.limit = math.max(bucket.at, now), limit
end

local function has_room(bucket, amount)
  return bucket.used + amount * UNIT <= bucket.limit * UNIT
end

local function add_trough(troughs, number, used)
  while #troughs > 0 and troughs[#troughs][2] >= used do
    table.remove(troughs)
  end
  table.insert(troughs, { number, used })
end

local function take(bucket, amount)
  bucket.taken = bucket.taken + 1
  add_trough(bucket.troughs, bucket.taken, bucket.used)
  if #bucket.troughs > MOST_TROUGHS then
    bucket.troughs[2][2] = bucket.troughs[1][2]
    table.remove(bucket.troughs, 1)
  end
  bucket.used = bucket.used + amount * UNIT
end

local function correct(bucket, taking, difference)
  if difference >= 0 then
    take(bucket, difference)
    return
  end
  local back = math.min(-difference * UNIT, bucket.used)
  for _, trough in ipairs(bucket.troughs) do
    if trough[1] > taking then
      back = math.min(back, trough[2])
    end
  end
  bucket.used = bucket.used - back
  local troughs = {}
  for _, trough in ipairs(bucket.troughs) do
    add_trough(troughs, trough[1], trough[2] - (trough[1] > taking and back or 0))
  end
  bucket.troughs = troughs
end

-- Makes up for the tokens that a call was held for and did not use, or used beyond.
local function correct_tokens(keys, hold, tokens, now)
  if not hold.taking or not tokens or tokens == hold.tokens then
    return
  end
  local name = 't:' .. hold.bucket
  local bucket = read_bucket(keys, name)
  if not bucket.limit then
    return
  end
  refill(bucket, bucket.limit, now)
  correct(bucket, hold.taking, tokens - hold.tokens)
  write_bucket(keys, name, bucket)
end

-- Gives back the credits of a hold, its part of caps and its place.
local function free(keys, state, hold)
  state.held = subtract(state.held, hold.cost)
  for _, cap in ipairs(hold.caps) do
    local held = subtract(state.caps[cap] or hold.cost, hold.cost)
    state.caps[cap] = (held[1] > 0 or held[2] > 0) and held or nil
  end
  local calls = (state.calls[hold.bucket] or 1) - 1
  state.calls[hold.bucket] = calls > 0 and calls or nil
end

local function end_hold(keys, id, hold, how, now)
  hold.state = how
  redis.call('HSET', keys[2], id, cmsgpack.pack(hold))
  redis.call('ZADD', keys[3], now + MEMORY, id)
end

-- Ends the holds whose time is over, and forgets those that ended long ago.
local function end_due(keys, state, now)
  local due = redis.call('ZRANGEBYSCORE', keys[3], '-inf', now, 'LIMIT', 0, MOST_ENDED)
  for _, id in ipairs(due) do
    local hold = unpacked(redis.call('HGET', keys[2], id))
    if hold and hold.state == OPEN then
      free(keys, state, hold)
      end_hold(keys, id, hold, EXPIRED, now)
    else
      redis.call('HDEL', keys[2], id)
      redis.call('ZREM', keys[3], id)
    end
  end
  return #due
end

-- Tells whether the lease is not there for as long as the call may hold it.
local function is_unleased(state, ask, now)
  return ask.is_leased
    and (not state.generation or state.lease_until < now + ask.ttl + ask.grace)
end

-- Tells whether the base is too old to answer this, or says nothing of a cap.
local function is_stale(state, ask, now)
  if not state.available or state.valid_until <= now then
    return true
  end
  for _, cap in ipairs(ask.caps) do
    if not state.spent[cap.name] then
      return true
    end
  end
  return false
end

local function find_cap(state, ask)
  for number, cap in ipairs(ask.caps) do
    local held = add(state.caps[cap.name] or { 0, 0 }, ask.cost)
    if is_less(cap.amount, add(state.spent[cap.name], held)) then
      return number
    end
  end
end

local function read_rates(keys, state, ask, now)
  local rates = { calls = state.calls[ask.bucket] or 0 }
  if ask.rpm then
    rates.requests = read_bucket(keys, 'r:' .. ask.bucket)
    refill(rates.requests, ask.rpm, now)
    rates.tokens = read_bucket(keys, 't:' .. ask.bucket)
    refill(rates.tokens, ask.tpm, now)
  end
  return rates
end

-- Names every limit that refuses the call; of caps the first.
local function find_refusals(state, ask, rates, answer)
  local found = {}
  local left = subtract(subtract(state.available, state.held), ask.cost)
  if ask.is_limited and is_less(left, ask.floor) then
    table.insert(found, 'credits')
  end
  answer.cap = find_cap(state, ask)
  if answer.cap then
    table.insert(found, 'cap')
  end
  if ask.rpm and not has_room(rates.requests, 1) then
    table.insert(found, 'requests')
  end
  if ask.rpm and not has_room(rates.tokens, ask.tokens) then
    table.insert(found, 'tokens')
  end
  if ask.calls and rates.calls >= ask.calls then
    table.insert(found, 'concurrent_requests')
  end
  return found
end

local function take_rates(keys, ask, rates)
  if ask.rpm then
    take(rates.requests, 1)
    -- Whole requests are never given back: nobody will ask for this.
    rates.requests.troughs = {}
    take(rates.tokens, ask.tokens)
    write_bucket(keys, 'r:' .. ask.bucket, rates.requests)
    write_bucket(keys, 't:' .. ask.bucket, rates.tokens)
  end
end

local function hold_call(keys, state, ask, rates, now)
  local names = {}
  state.held = add(state.held, ask.cost)
  rates.calls = rates.calls + 1
  state.calls[ask.bucket] = rates.calls
  for _, cap in ipairs(ask.caps) do
    state.caps[cap.name] = add(state.caps[cap.name] or { 0, 0 }, ask.cost)
    table.insert(names, cap.name)
  end
  local hold = {
    state = OPEN, print = ask.print, cost = ask.cost, caps = names, bucket = ask.bucket,
    tokens = ask.tokens, expires = now + ask.ttl, is_leased = ask.is_leased,
    taking = rates.tokens and rates.tokens.taken or nil,
  }
  redis.call('HSET', keys[2], ask.id, cmsgpack.pack(hold))
  redis.call('ZADD', keys[3], hold.expires + ask.grace, ask.id)
  return hold
end

local function describe(answer, state, rates, now)
  answer.now, answer.held, answer.available = now, state.held, state.available
  answer.generation, answer.lease = state.generation, state.lease
  answer.age = state.read_at and now - state.read_at
  answer.requests = rates.requests and rates.requests.used
  answer.tokens = rates.tokens and rates.tokens.used
  answer.calls = rates.calls
  return cmsgpack.pack(answer)
end

local function decide(keys, state, ask, rates, answer, now)
  if is_unleased(state, ask, now) then
    return 'unleased'
  end
  if is_stale(state, ask, now) then
    return 'stale'
  end
  answer.refused = find_refusals(state, ask, rates, answer)
  if answer.cap then
    local name = ask.caps[answer.cap].name
    answer.spent, answer.cap_held = state.spent[name], state.caps[name] or { 0, 0 }
  end
  if #answer.refused > 0 then
    return 'refused'
  end
  if ask.is_leased and is_less(state.lease, add(state.held, ask.cost)) then
    return 'unleased'
  end
  answer.refused = nil
  take_rates(keys, ask, rates)
  answer.expires = hold_call(keys, state, ask, rates, now).expires
  return 'admitted'
end

local function find_repeat(keys, ask)
  local hold = unpacked(redis.call('HGET', keys[2], ask.id))
  if hold and hold.state <= SETTLED then
    return hold
  end
end

local function admit(keys, arguments)
  local ask, now = cmsgpack.unpack(arguments[1]), clock()
  local state = read_state(keys)
  local ended = end_due(keys, state, now)
  if ask.base then
    take_base(keys, state, ask.base, now)
  end
  local answer, rates = {}, read_rates(keys, state, ask, now)
  local before = find_repeat(keys, ask)
  if before then
    answer.status = before.print == ask.print and 'repeated' or 'conflict'
    answer.expires = before.expires
  else
    answer.status = decide(keys, state, ask, rates, answer, now)
  end
  if state.generation and (ended > 0 or ask.base or answer.status == 'admitted') then
    write_state(keys, state, now, ask.ttl + ask.grace)
  end
  return describe(answer, state, rates, now)
end

local function settle(keys, arguments)
  local ask, now = cmsgpack.unpack(arguments[1]), clock()
  local state = read_state(keys)
  end_due(keys, state, now)
  local settled = 0
  for _, call in ipairs(ask.calls) do
    local hold = unpacked(redis.call('HGET', keys[2], call[1]))
    if hold and (hold.state == OPEN or hold.state == EXPIRED) then
      if hold.state == OPEN then
        free(keys, state, hold)
      end
      correct_tokens(keys, hold, call[2], now)
      end_hold(keys, call[1], hold, SETTLED, now)
      settled = settled + 1
    end
  end
  if ask.base then
    take_base(keys, state, ask.base, now)
  end
  if state.generation then
    write_state(keys, state, now, ask.ttl + ask.grace)
  end
  return settled
end

local function release(keys, arguments)
  local ask, now = cmsgpack.unpack(arguments[1]), clock()
  local state = read_state(keys)
  local hold = unpacked(redis.call('HGET', keys[2], ask.id))
  if not hold or hold.state ~= OPEN then
    return 0
  end
  free(keys, state, hold)
  correct_tokens(keys, hold, 0, now)
  end_hold(keys, ask.id, hold, RELEASED, now)
  write_state(keys, state, now, ask.ttl + ask.grace)
  return 1
end

-- Lets holds last from now on again; returns when the last of them ends, and 0 if none
-- is open, or -1 if the lease that it is held within ends before.
local function extend(keys, arguments)
  local ask, now = cmsgpack.unpack(arguments[1]), clock()
  local state = read_state(keys)
  if ask.base then
    take_base(keys, state, ask.base, now)
    write_state(keys, state, now, ask.ttl + ask.grace)
  end
  local expires = 0
  for _, id in ipairs(ask.ids) do
    local hold = unpacked(redis.call('HGET', keys[2], id))
    if hold and hold.state == OPEN then
      if hold.is_leased and state.lease_until < now + ask.ttl + ask.grace then
        return -1
      end
      expires, hold.expires = now + ask.ttl, now + ask.ttl
      redis.call('HSET', keys[2], id, cmsgpack.pack(hold))
      redis.call('ZADD', keys[3], expires + ask.grace, id)
    end
  end
  if expires > 0 then
    write_state(keys, state, now, ask.ttl + ask.grace)
  end
  return expires
end

-- Says which generation it is, and what time.
local function find(keys)
  local state = read_state(keys)
  return cmsgpack.pack({ generation = state.generation, now = clock() })
end

-- Says what is used of the given limits and held now.
local function look(keys, arguments)
  local ask, now = cmsgpack.unpack(arguments[1]), clock()
  local state, buckets = read_state(keys), {}
  for _, limit in ipairs(ask.limits) do
    local rates = read_rates(keys, state, limit, now)
    table.insert(buckets, {
      requests = rates.requests.used, tokens = rates.tokens.used, calls = rates.calls,
    })
  end
  return cmsgpack.pack({
    generation = state.generation, held = state.held, caps = state.caps, buckets = buckets,
  })
end

redis.register_function('tollgate_admit', admit)
redis.register_function('tollgate_settle', settle)
redis.register_function('tollgate_release', release)
redis.register_function('tollgate_extend', extend)
-- None has the flag `no-writes`: when memory is full all fail alike, and the gate is not
-- up for the one and down for the other.
redis.register_function('tollgate_find', find)
redis.register_function('tollgate_look', look)
