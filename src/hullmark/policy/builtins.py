"""The functions that a policy may call: those of Rego that depend on nothing but their arguments.

Source: https://www.openpolicyagent.org/docs/latest/policy-reference/#built-in-functions. Left out is what asks the network, the machine or the clock
(`http.send`, `net.lookup_ip_addr`, `opa.runtime`, `rand.intn`, `time.now_ns`, `uuid.rfc4122`): the same input must give the same decision.
The time of a scan is `input.context.as_of_ns`.
"""

_WORDS = """
abs all and any array.concat array.reverse array.slice assign base64.decode base64.encode base64.is_valid base64url.decode base64url.encode
base64url.encode_no_pad bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor cast_array cast_boolean cast_null cast_object cast_set cast_string ceil
concat contains count crypto.hmac.equal crypto.hmac.md5 crypto.hmac.sha1 crypto.hmac.sha256 crypto.hmac.sha512 crypto.md5 crypto.sha1 crypto.sha256 div
endswith eq equal floor format_int glob.match glob.quote_meta graph.reachable graph.reachable_paths gt gte hex.decode hex.encode indexof indexof_n
internal.print intersection is_array is_boolean is_null is_number is_object is_set is_string json.filter json.is_valid json.marshal
json.marshal_with_options json.match_schema json.patch json.remove json.unmarshal json.verify_schema lower lt lte max min minus mul
net.cidr_contains net.cidr_contains_matches net.cidr_expand net.cidr_intersects net.cidr_is_valid net.cidr_merge neq numbers.range numbers.range_step
object.filter object.get object.keys object.remove object.subset object.union object.union_n or plus print product regex.find_all_string_submatch_n
regex.find_n regex.globs_match regex.is_valid regex.match regex.replace regex.split regex.template_match rem replace round semver.compare
semver.is_valid set_diff sort split sprintf startswith strings.any_prefix_match strings.any_suffix_match strings.count strings.render_template
strings.replace_n strings.reverse substring sum time.add_date time.clock time.date time.diff time.format time.parse_duration_ns time.parse_ns
time.parse_rfc3339_ns time.weekday to_number trace trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union units.parse
units.parse_bytes upper urlquery.decode urlquery.decode_object urlquery.encode urlquery.encode_object uuid.parse walk yaml.is_valid yaml.marshal
yaml.unmarshal
"""
PURE = frozenset(_WORDS.split())
REFUSED = {
    "http.send": "asks the network",
    "net.lookup_ip_addr": "asks the network",
    "opa.runtime": "asks the machine",
    "rand.intn": "gives another answer each time",
    "uuid.rfc4122": "gives another answer each time",
    "time.now_ns": "asks the clock: the time of the scan is input.context.as_of_ns",
}
