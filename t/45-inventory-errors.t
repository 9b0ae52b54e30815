#!/usr/bin/perl
# 45-inventory-errors.t: every refusal that the inventory's contract names, with its exact status and
# message, through nginx; and that no refused request changed anything.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Api;

my $world   = Muster::Api->new->fresh;
my $name128 = 'n' x 128;
my $key256  = 'k' x 256;

# Messages quote what was sent; where it is long, its beginning.
my $long_name = "'${name128}n' is not a valid name: it has more than 128 characters.";
sub long_word { my ($what) = @_; return "'$key256'... is not a valid $what: it has more than 256 characters." }

# --- what the refusals need beside the example inventory -------------------------------------------

sub make {
    my ($method, $path, @form) = @_;
    my $answer = $world->ask($method, $path, form => \@form);
    $answer->{status} < 300 or die "$method $path: $answer->{status} $answer->{body}\n";
    return;
}

make(POST => '/entity/basicserver', map { (name => $_) } qw(web1 web2 web3 racked));
make(POST => '/entity/pool',        map { (name => $_) } qw(outer inner));
make(POST => '/entity/unique_pool', name => 'unique1', name => 'unique2');
make(POST => '/entity/exclusive_pool', name => 'exclusive1');
make(POST => '/entity/basicdatacenter', name => 'dc1', name => 'dc2');
make(POST => '/entity/basicrack', name => 'rack1', name => 'rack2');
make(POST => '/entity/device', name => 'box');
make(POST => '/entity/pool/outer', action => 'insert', device => 'inner');
make(POST => '/entity/pool/inner', action => 'insert', device => 'web1');
make(POST => '/entity/unique_pool/unique1', action => 'insert', device => 'web2');
make(POST => '/entity/exclusive_pool/exclusive1', action => 'insert', device => 'web3');
make(POST => '/entity/basicdatacenter/dc1', action => 'insert', device => 'web1');
make(POST => '/entity/basicrack/rack1', action => 'insert', device => 'racked', rackU => 10, rackU => 11);
make(POST => '/attribute/web1', key => 'twice', value => 'a');
make(POST => '/attribute/web1', key => 'twice', value => 'b');
make(POST => '/resourcemanager/ipmanager', name => 'net', baseip => '10.0.0.0', netmask => '30', gateway => '10.0.0.1');
make(POST => '/resourcemanager/ipmanager', name => 'lan', baseip => '10.1.0.0', netmask => '255.255.255.0');
make(POST => '/resourcemanager/ipmanager', name => 'bare');
make(POST => '/resourcemanager/simplenamemanager', name => 'onedigit', basename => 'o', digits => 1, next => 10);
make(POST => '/resourcemanager/simpleentitynamemanager', name => 'full', basename => 'f', digits => 1, next => 10);
make(POST => '/resourcemanager/resourcemanager', name => 'things');
make(POST => '/resourcemanager/resourcemanager/things', object => 'web1', resource => 'thing1');
make(POST => '/resourcemanager/ipmanager/net', object => 'web1');

# --- the table --------------------------------------------------------------------------------------

# Heading, then rows: method, path, options for ask, status, message (text, or undef for an empty body).
my @table = (
    'What is not text' => [
        [ GET => '/by-name/%ff',             {}, 400, 'The path has bytes that are no UTF-8, a broken %-escape, or dots beside encoded slashes that lead elsewhere.' ],
        [ GET => '/by-name/%c0%80',          {}, 400, 'The path has bytes that are no UTF-8, a broken %-escape, or dots beside encoded slashes that lead elsewhere.' ],
        [ GET => '/by-name/%ed%a0%80',       {}, 400, 'The path has bytes that are no UTF-8, a broken %-escape, or dots beside encoded slashes that lead elsewhere.' ],
        [ GET => '/by-names?name=%ff',       {}, 400, q(Parameter 'name' is not valid UTF-8 or has a NUL) ],
        [ GET => '/by-names?name=a%00',      {}, 400, q(Parameter 'name' is not valid UTF-8 or has a NUL) ],
        [ GET => '/by-names?%ff=a',          {}, 400, q(Parameter '\xff' is not valid UTF-8 or has a NUL) ],
        [ POST => '/entity/pool',            { body => 'name=%ff' }, 400, q(Parameter 'name' is not valid UTF-8 or has a NUL) ],
        [ POST => '/entity/pool',            { body => "name=\xff" }, 400, q(Parameter 'name' is not valid UTF-8 or has a NUL) ],
        [ POST => '/attribute/web1',         { json => qq({"key": "a", "value": "\xff"}) }, 400, 'not UTF-8: line 1 column 24' ],
        [ POST => '/attribute/web1',         { json => '{"key": "a", "value": "\u0000"}' }, 400, q(\u0000 can't be stored: line 1 column 24) ],
        [ POST => '/attribute/web1',         { json => '{"key": "a", "value": "\ud800"}' }, 400, q(half of a surrogate pair can't be stored: line 1 column 24) ],
        [ POST => '/entity/pool', { body => 'x', headers => { 'Content-Type' => 'multipart/form-data' } }, 400, 'The multipart/form-data body has no usable boundary in its Content-Type' ],
        [ POST => '/entity/pool', { body => 'x', headers => { 'Content-Type' => 'multipart/form-data; boundary=b' } }, 400, 'The multipart/form-data body does not contain its boundary' ],
    ],
    'Paths and methods' => [
        [ GET    => '/nothing/here',         {}, 404, 'There is nothing at this path.' ],
        [ GET    => '/entity/pool/a/b',      {}, 404, 'There is nothing at this path.' ],
        [ GET    => '/by-name',              {}, 404, 'There is nothing at this path.' ],
        [ POST   => '/by-name/web1',         {}, 405, 'POST is not allowed here.' ],
        [ DELETE => '/entity/pool',          {}, 405, 'DELETE is not allowed here.' ],
        [ PUT    => '/entity/pool/outer',    {}, 405, 'PUT is not allowed here.' ],
        [ PATCH  => '/attribute/web1',       {}, 405, 'PATCH is not allowed here.' ],
        [ PUT    => '/attribute/web1',       {}, 405, 'PUT is not allowed here.' ],
        [ DELETE => '/attribute/web1',       {}, 405, 'DELETE is not allowed here.' ],
        [ PUT    => '/resourcemanager/ipmanager/net', {}, 405, 'PUT is not allowed here.' ],
        [ BREW   => '/driverlist',           {}, 405, 'BREW is not allowed here.' ],
    ],
    'Too much' => [
        [ POST => '/attribute/web1', { form => [ key => 'big', value => 'x' x (1 << 20) ] }, 413, 'The body is larger than 1048576 bytes.' ],
    ],
    'Names, keys and subkeys' => [
        [ POST => '/entity/pool', { form => [ name => '' ] }, 400, 'A name may not be empty.' ],
        [ POST => '/entity/pool', { form => [ name => $name128 . 'n' ] }, 400, $long_name ],
        [ POST => '/entity/pool', { form => [ name => "a\nb" ] }, 400, q('a\nb' is not a valid name: it has a control character.) ],
        [ POST => '/entity/pool', { form => [ name => "a\x{85}b" ] }, 400, q('a\x85b' is not a valid name: it has a control character.) ],
        [ POST => '/entity/pool', { form => [ name => 'good', name => '' ] }, 400, 'A name may not be empty.' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => '' ] }, 400, 'A name may not be empty.' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => "a\tb" ] }, 400, q('a\tb' is not a valid name: it has a control character.) ],
        [ POST => '/resourcemanager/simpleentitynamemanager/testnames',
            { form => [ driver => 'basicserver', resource => "a\nb" ] }, 400, q('a\nb' is not a valid name: it has a control character.) ],
        [ POST => '/attribute/web1', { form => [ key => '', value => 'x' ] }, 412, 'Provide at least "key" and "value"' ],
        [ POST => '/attribute/web1', { form => [ key => 'a b', value => 'x' ] }, 400, q('a b' is not a valid key: it must start with a letter or _ and go on with letters, digits, _ and -.) ],
        [ POST => '/attribute/web1', { form => [ key => '1a', value => 'x' ] }, 400, q('1a' is not a valid key: it must start with a letter or _ and go on with letters, digits, _ and -.) ],
        [ POST => '/attribute/web1', { form => [ key => $key256 . 'k', value => 'x' ] }, 400, long_word('key') ],
        [ POST => '/attribute/web1', { form => [ key => 'a', subkey => 'b c', value => 'x' ] }, 400, q('b c' is not a valid subkey: it must start with a letter or _ and go on with letters, digits, _ and -.) ],
        [ POST => '/attribute/web1', { form => [ key => 'a', subkey => $key256 . 'k', value => 'x' ] }, 400, long_word('subkey') ],
        [ POST => '/attribute/web1/a%20b', { form => [ value => 'x' ] }, 400, q('a b' is not a valid key: it must start with a letter or _ and go on with letters, digits, _ and -.) ],
        [ PUT  => '/attribute/web1/a/b%20c', { form => [ value => 'x' ] }, 400, q('b c' is not a valid subkey: it must start with a letter or _ and go on with letters, digits, _ and -.) ],
    ],
    'Modes' => [
        (map { [ @$_, 409, q('huge' is not a valid mode. Please choose from: {compact,expanded}.) ] }
            [ GET  => '/by-name/web1',        { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ GET  => '/by-names?name=web1',  { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ GET  => '/by-attr?key=key1',    { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ GET  => '/from-pools?pool=outer', { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ GET  => '/entity/',             { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ GET  => '/entity/pool/outer',   { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ POST => '/entity/pool',         { headers => { 'Clusto-Mode' => 'huge' }, form => [ name => 'unmade' ] } ],
            [ POST => '/entity/pool/outer',   { headers => { 'Clusto-Mode' => 'huge' }, form => [ action => 'insert', device => 'box' ] } ],
            [ GET  => '/resourcemanager/',    { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ GET  => '/resourcemanager/ipmanager/net', { headers => { 'Clusto-Mode' => 'huge' } } ],
            [ POST => '/resourcemanager/ipmanager', { headers => { 'Clusto-Mode' => 'huge' }, form => [ name => 'unmade' ] } ]),
        [ GET => '/by-name/web1', { headers => { 'Clusto-Mode' => 'Compact' } }, 409,
            q('Compact' is not a valid mode. Please choose from: {compact,expanded}.) ],
    ],
    'Finding one object' => [
        map {
            my ($method, $path, $driver_at, $opt) = @$_;
            my $at = sub { my ($driver, $name) = @_; (my $p = $path) =~ s/DRIVER/$driver/; $p =~ s/NAME/$name/; $p };
            (
                [ $method, $at->('nondriver', 'nobody'), $opt, 412, 'The driver "nondriver" is not a valid driver' ],
                [ $method, $at->('pool', 'nobody'), $opt, 404, 'Object "nobody" not found (nobody does not exist.)' ],
                [ $method, $at->('pool', 'web1'), $opt, 409, 'The driver for object "web1" is not "pool"' ],
                [ $method, $at->('basicvirtualserver', 'web1'), $opt, 409, 'The driver for object "web1" is not "basicvirtualserver"' ],
            )
        }
        [ GET    => '/by-name/NAME?driver=DRIVER',             1, {} ],
        [ GET    => '/entity/DRIVER/NAME',                     1, {} ],
        [ POST   => '/entity/DRIVER/NAME',                     1, { form => [ action => 'insert' ] } ],
        [ GET    => '/attribute/NAME?driver=DRIVER',           1, {} ],
        [ GET    => '/attribute/NAME/key1?driver=DRIVER',      1, {} ],
        [ POST   => '/attribute/NAME?driver=DRIVER',           1, { form => [ key => 'a', value => 'b' ] } ],
        [ PUT    => '/attribute/NAME/a?driver=DRIVER',         1, { form => [ value => 'b' ] } ],
        [ DELETE => '/attribute/NAME/a?driver=DRIVER',         1, {} ],
        [ GET    => '/resourcemanager/DRIVER/NAME',            1, {} ],
        [ POST   => '/resourcemanager/DRIVER/NAME',            1, { form => [ object => 'web1' ] } ],
        [ DELETE => '/resourcemanager/DRIVER/NAME',            1, { form => [ object => 'web1' ] } ],
    ],
    'Pages' => [
        map {
            my $path = $_;
            (
                [ GET => $path, { headers => { 'Clusto-Page' => 'x' } }, 400, q(invalid literal for int() with base 10: 'x') ],
                [ GET => $path, { headers => { 'Clusto-Page' => '1', 'Clusto-Per-Page' => '1.5' } }, 400,
                    q(invalid literal for int() with base 10: '1.5') ],
                [ GET => $path, { headers => { 'Clusto-Page' => '-1' } }, 400, q(Clusto-Page must be from 0 to 2147483647, not '-1') ],
                [ GET => $path, { headers => { 'Clusto-Page' => '1', 'Clusto-Per-Page' => '0' } }, 400, q(Clusto-Per-Page must be from 1 to 2147483647, not '0') ],
                [ GET => $path, { headers => { 'Clusto-Page' => '1', 'Clusto-Per-Page' => '-5' } }, 400, q(Clusto-Per-Page must be from 1 to 2147483647, not '-5') ],
            )
        } '/from-pools?pool=outer', '/entity/', '/entity/pool', '/by-attr?key=key1', '/resourcemanager/', '/resourcemanager/ipmanager'
    ],
    'GET /favicon.ico' => [
        [ GET => '/favicon.ico', {}, 410, undef ],
    ],
    'GET /from-pools, in the order of the checks' => [
        [ GET => '/from-pools?driver=nondriver', { headers => { 'Clusto-Page' => 'x' } }, 412, 'Provide at least one pool to get data from' ],
        [ GET => '/from-pools?pool=nopool', { headers => { 'Clusto-Page' => 'x' } }, 400, q(invalid literal for int() with base 10: 'x') ],
        [ GET => '/from-pools?pool=nopool&driver=nondriver', {}, 404, 'nopool does not exist.' ],
        [ GET => '/from-pools?pool=outer&pool=nopool', {}, 404, 'nopool does not exist.' ],
        [ GET => '/from-pools?pool=web1&driver=nondriver', {}, 409, 'The object "web1" is not a pool' ],
        [ GET => '/from-pools?pool=dc1', {}, 409, 'The object "dc1" is not a pool' ],
        [ GET => '/from-pools?pool=outer&driver=nondriver', { headers => { 'Clusto-Mode' => 'huge' } }, 412, 'The driver "nondriver" is not a valid driver' ],
        [ GET => '/from-pools?pool=outer&type=nontype', { headers => { 'Clusto-Mode' => 'huge' } }, 412, 'The type "nontype" is not a valid type' ],
    ],
    'GET /by-names, /by-attr' => [
        [ GET => '/by-names', {}, 412, 'Provide at least one name to get data from' ],
        [ GET => '/by-names?name=nobody', {}, 404, \"[\n    null\n]" ],
        [ GET => '/by-names?name=nobody', { headers => { 'Clusto-Mode' => 'expanded' } }, 404, \"[\n    null\n]" ],
        [ GET => '/by-attr', {}, 412, 'Provide a key to use get_by_attr' ],
        [ GET => '/by-attr?key=', {}, 412, 'Provide a key to use get_by_attr' ],
        [ GET => '/by-attr?value=x', {}, 412, 'Provide a key to use get_by_attr' ],
    ],
    'GET /entity/[DRIVER]' => [
        [ GET => '/entity/nondriver', {}, 412, 'The requested driver "nondriver" does not exist' ],
        [ GET => '/entity/nondriver/', {}, 412, 'The requested driver "nondriver" does not exist' ],
        [ GET => '/entity/?colour=red', {}, 400, 'Unknown parameter "colour". Please choose from: names, clusto_types, clusto_drivers, name, type, driver, clusto_after, clusto_per_page.' ],
        [ GET => '/entity/pool?colour=red', {}, 400, 'Unknown parameter "colour". Please choose from: names, clusto_types, clusto_drivers, name, type, driver, clusto_after, clusto_per_page.' ],
        [ GET => '/entity/?clusto_drivers=nondriver', {}, 412, 'The requested driver "nondriver" does not exist' ],
        [ GET => '/entity/?driver=nondriver', {}, 412, 'The requested driver "nondriver" does not exist' ],
        [ GET => '/entity/?clusto_types=nontype', {}, 412, 'The requested type "nontype" does not exist' ],
        [ GET => '/entity/?type=server&type=nontype', {}, 412, 'The requested type "nontype" does not exist' ],
    ],
    'POST /entity/DRIVER' => [
        [ POST => '/entity/nondriver', { form => [ name => 'x' ] }, 412, 'Requested driver "nondriver" does not exist' ],
        [ POST => '/entity/nondriver', {}, 412, 'Requested driver "nondriver" does not exist' ],
        [ POST => '/entity/pool', {}, 412, 'Provide at least one name to create' ],
        [ POST => '/entity/pool', { form => [ nom => 'x' ] }, 412, 'Provide at least one name to create' ],
        [ POST => '/entity/clustometa', { form => [ name => 'meta2' ] }, 409, 'clustometa cannot be created or deleted' ],
    ],
    'DELETE /entity/DRIVER/NAME' => [
        [ DELETE => '/entity/nondriver/web1', {}, 412, 'Requested driver "nondriver" does not exist' ],
        [ DELETE => '/entity/nondriver/nobody', {}, 412, 'Requested driver "nondriver" does not exist' ],
        [ DELETE => '/entity/pool/nobody', {}, 404, undef ],
        [ DELETE => '/entity/pool/web1', {}, 409, 'The driver for object "web1" is not "pool"' ],
        [ DELETE => '/entity/clustometa/clustometa', {}, 409, 'clustometa cannot be created or deleted' ],
        [ DELETE => '/entity/entity/clustometa', {}, 409, 'clustometa cannot be created or deleted' ],
    ],
    'POST /entity/DRIVER/NAME' => [
        [ POST => '/entity/pool/outer', {}, 400, q(Parameter 'action' is required.) ],
        [ POST => '/entity/pool/outer', { form => [ action => '', device => 'web1' ] }, 400, q(Parameter 'action' is required.) ],
        [ POST => '/entity/pool/outer', { form => [ action => 'polish', device => 'a', device => 'web1', device => 'b' ] }, 404,
            'Objects a,b do not exist and cannot be used with "outer"' ],
        [ POST => '/entity/pool/outer', { form => [ action => 'insert', device => 'a' ] }, 404,
            'Objects a do not exist and cannot be used with "outer"' ],
        [ POST => '/entity/pool/outer', { form => [ action => 'remove', device => 'a' ] }, 404,
            'Objects a do not exist and cannot be used with "outer"' ],
        # the empty name is a name, too
        [ POST => '/entity/pool/outer', { form => [ action => 'insert', device => '' ] }, 400,
            'The parameter "device" is empty.' ],
        [ POST => '/entity/pool/outer', { form => [ action => 'remove', device => '', device => '' ] }, 400,
            'The parameter "device" is empty.' ],
        [ POST => '/entity/basicrack/rack1', { form => [ action => 'insert', device => '', device => 'a', rackU => 3 ] }, 400,
            'The parameter "device" is empty.' ],
        [ POST => '/entity/basicrack/rack1', { form => [ action => 'insert', device => '', rackU => 3 ] }, 400,
            'The parameter "device" is empty.' ],
        [ POST => '/entity/pool/outer', { form => [ action => 'polish', device => 'web1' ] }, 400, 'polish is not a valid action.' ],
    ],
    'Who may be put into what' => [
        map { my ($into, $what, $why, $more) = @$_; [ POST => "/entity/entity/$into",
                { form => [ action => 'insert', (map { (device => $_) } ref $what ? @$what : $what), @{ $more // [] } ] }, 409, $why ] }
        [ outer => 'web3', '"web3" is already in the exclusive_pool "exclusive1"' ],    # a pool: the member is in an exclusive pool
        [ unique2 => 'web2', '"web2" is already in the unique_pool "unique1"' ],    # a unique pool: in another one
        [ unique2 => 'web3', '"web3" is already in the exclusive_pool "exclusive1"' ],    # ... and the pool rule
        [ exclusive1 => 'web1', '"web1" is already in the pool "inner"' ],    # an exclusive pool: in a pool directly
        [ exclusive1 => 'web2', '"web2" is already in the unique_pool "unique1"' ],    # ... in a unique pool
        [ exclusive1 => 'inner', '"inner" is already in the pool "outer"' ],    # ... a pool in a pool
        [ dc2 => 'web1', '"web1" is already in the basicdatacenter "dc1"' ],    # a datacenter: in another of the same driver
        [ box => 'web1', '"web1" is already in the pool "inner"' ],    # anything else: in anything at all
        [ testnames => 'web1', '"web1" is already in the pool "inner"' ],
        [ clustometa => 'web1', '"web1" is already in the pool "inner"' ],
        [ outer => 'outer', '"outer" cannot be put into itself' ],    # itself
        [ inner => 'outer', '"outer" contains "inner" and cannot be put into it' ],    # what contains it
        [ dc1 => 'dc1', '"dc1" cannot be put into itself' ],
        [ outer => [ 'box', 'web3' ], '"web3" is already in the exclusive_pool "exclusive1"' ],    # one of two
        [ rack2 => 'racked', '"racked" is already in the basicrack "rack1"', [ rackU => 1 ] ],    # in a rack already
        [ rack2 => 'outer', '"outer" is not a device: only devices can be racked', [ rackU => 1 ] ],    # no device
        [ rack1 => 'web1', 'unit 10 of "rack1" is occupied', [ rackU => 10 ] ],    # occupied
        [ rack1 => 'web1', 'unit 10 of "rack1" is occupied', [ rackU => 9, rackU => 10 ] ],
    ],
    'Rack units' => [
        map { my ($units, $why) = @$_; [ POST => '/entity/basicrack/rack2',
                { form => [ action => 'insert', device => 'web1', map { (rackU => $_) } @$units ] }, 400, $why ] }
        [ [], 'Provide at least one "rackU" to put a device into a rack' ],
        [ [''], 'rackU "" is not a unit of a rack' ],
        [ ['x'], 'rackU "x" is not a unit of a rack' ],
        [ ['0'], 'rackU must be from 1 to 45 in "rack2"' ],
        [ ['46'], 'rackU must be from 1 to 45 in "rack2"' ],
        [ [ '45', '46' ], 'rackU must be from 1 to 45 in "rack2"' ],
        [ [ '1', '3' ], 'the units of rackU must be adjacent' ],
        [ [ '1', '1' ], 'rackU 1 is duplicated' ],
    ],
    'Attributes by their path' => [
        [ GET    => '/attribute/web1/a/b/x', {}, 400, q(invalid literal for int() with base 10: 'x') ],
        [ DELETE => '/attribute/web1/a/b/x', {}, 400, q(invalid literal for int() with base 10: 'x') ],
        [ GET    => '/attribute/nobody/a/b/x', {}, 404, 'Object "nobody" not found (nobody does not exist.)' ],
        [ DELETE => '/attribute/nobody/a/b/x', {}, 404, 'Object "nobody" not found (nobody does not exist.)' ],
        [ GET    => '/attribute/web1/a/b/x?driver=nondriver', {}, 412, 'The driver "nondriver" is not a valid driver' ],
        [ GET    => '/attribute/web1/a/b/99999999999', {}, 400, 'The number 99999999999 is out of range: -2147483648 to 2147483647' ],
        [ GET    => '/attribute/web1/a/b/1/c', {}, 404, 'There is nothing at this path.' ],
    ],
    'POST and PUT /attribute, in the order of the checks' => [
        map {
            my $row = $_;
            my ($opt, $status, $message, $tail) = @$row;
            $tail //= '';
            ([ POST => "/attribute/web1/kk$tail", $opt, $status, $message ], [ PUT => "/attribute/web1/kk$tail", $opt, $status, $message ])
        }
        [ { form => [ key => 'other' ] }, 400, q(Two different values were submitted for "key": ['kk', 'other']) ],
        [ { form => [ subkey => 'other', value => 'x' ] }, 400, q(Two different values were submitted for "subkey": ['ss', 'other']), '/ss' ],
        [ { form => [ number => '2', value => 'x' ] }, 400, q(Two different values were submitted for "number": ['1', '2']), '/ss/1' ],
        [ { json => '{"key": "a", "value": }' }, 400, 'unallowed token at this point in JSON text: line 1 column 23' ],
        [ { json => "{\"key\": \"a\",\n \"value\" 1}" }, 400, q(object key and value must be separated by a colon (':'): line 2 column 10) ],
        [ { json => '{"key": "a", "value": }' }, 400, 'unallowed token at this point in JSON text: line 1 column 23', '?subkey=b' ],
        [ { json => '{"key": "a"}' }, 400, 'Error: json and query params may not be passed in the same request.', '?subkey=b' ],
        [ { json => '"text"' }, 412, 'Provide at least "key" and "value"' ],
        [ { json => '[1]' }, 412, 'Attribute 0: Provide at least "key" and "value"' ],
        [ { json => '[{"key": "a", "value": 1}, 2]' }, 412, 'Attribute 1: Provide at least "key" and "value"' ],
        [ { json => '{}' }, 400, 'Unknown parameter "colour". Please choose from: key, value, subkey, number, resource, datatype, mask, driver.', '?colour=red&value=1' ],
        [ { json => '' }, 400, 'Unknown parameter "colour". Please choose from: key, value, subkey, number, resource, datatype, mask, driver.', '?colour=red&value=1' ],
        [ { form => [ key => 'kk' ] }, 412, 'Provide at least "key" and "value"' ],
        [ { form => [ number => 'many' ] }, 412, 'Provide at least "key" and "value"' ],
        [ { json => '{"subkey": "a"}' }, 412, 'Provide at least "key" and "value"' ],
        [ { json => '{}' }, 412, 'Provide at least "key" and "value"' ],
        [ { json => '[]' }, 412, 'Provide at least "key" and "value"' ],
        [ { json => 'null' }, 412, 'Provide at least "key" and "value"' ],
        [ { json => '' }, 412, 'Provide at least "key" and "value"' ],
        [ { json => '[{"value": 1}, {"subkey": "a"}]' }, 412, 'Attribute 1: Provide at least "key" and "value"' ],
        [ { form => [ value => 'x', number => 'many', datatype => 'float' ] }, 400, q(invalid literal for int() with base 10: 'many') ],
        [ { form => [ value => 'x', number => '2147483648' ] }, 400, 'The number 2147483648 is out of range: -2147483648 to 2147483647' ],
        [ { json => '{"value": 1, "number": "many"}' }, 400, q(invalid literal for int() with base 10: 'many') ],
        [ { json => '{"value": 1, "number": 1.5}' }, 400, q(invalid literal for int() with base 10: '1.5') ],
        [ { form => [ value => 'six', datatype => 'float' ] }, 400,
            q(float is not a valid datatype. datatypes include: ('int', 'string', 'datetime', 'relation', 'json')) ],
        [ { json => '{"value": 1, "datatype": "float"}' }, 400,
            q(float is not a valid datatype. datatypes include: ('int', 'string', 'datetime', 'relation', 'json')) ],
        [ { form => [ value => 'six', datatype => 'int' ] }, 400, q(Error casting six into a(n) int: invalid literal for int() with base 10: 'six') ],
        [ { form => [ value => '', datatype => 'int' ] }, 400, q(Error casting  into a(n) int: invalid literal for int() with base 10: '') ],
        [ { form => [ value => '1.0', datatype => 'int' ] }, 400, q(Error casting 1.0 into a(n) int: invalid literal for int() with base 10: '1.0') ],
        [ { form => [ value => '9223372036854775808', datatype => 'int' ] }, 400, 'Error casting 9223372036854775808 into a(n) int: it must be from -9223372036854775808 to 9223372036854775807' ],
        [ { form => [ value => '-9223372036854775809', datatype => 'int' ] }, 400, 'Error casting -9223372036854775809 into a(n) int: it must be from -9223372036854775808 to 9223372036854775807' ],
        [ { json => '{"value": 9223372036854775808}' }, 400, 'Error casting 9223372036854775808 into a(n) int: it must be from -9223372036854775808 to 9223372036854775807' ],
        [ { form => [ value => 'yesterday', datatype => 'datetime' ] }, 400, q(Error casting yesterday into a(n) datetime: time data 'yesterday' does not match format '%Y-%m-%dT%H:%M:%S.%f') ],
        [ { form => [ value => '2023-02-30T00:00:00.0', datatype => 'datetime' ] }, 400, 'Error casting 2023-02-30T00:00:00.0 into a(n) datetime: day is out of range for month' ],
        [ { form => [ value => '2023', datatype => 'datetime', mask => '%Q' ] }, 400, q(Error casting 2023 into a(n) datetime: 'Q' is a bad directive in format '%Q') ],
        [ { form => [ value => '{"a": ', datatype => 'json' ] }, 400, 'Error casting {"a":  into a(n) json: the text ends too early: line 1 column 7' ],
        [ { form => [ value => 'web2', datatype => 'relation' ] }, 400, 'Error casting web2 into a(n) relation: it must be /driver/name' ],
        [ { form => [ value => '/basicserver/nobody', datatype => 'relation' ] }, 404, 'Object "nobody" not found (nobody does not exist.)' ],
        [ { form => [ value => '/pool/web2', datatype => 'relation' ] }, 409, 'The driver for object "web2" is not "pool"' ],
        [ { form => [ value => '/basicserver/nobody', datatype => 'relation', colour => 'red' ] }, 400, 'Unknown parameter "colour". Please choose from: key, value, subkey, number, resource, datatype, mask, driver.' ],
        [ { form => [ value => '/pool/web2', datatype => 'relation', subkey => 'b c' ] }, 409, 'The driver for object "web2" is not "pool"' ],
        [ { json => '[{"value": 1, "colour": "red"}, {"value": "/basicserver/nobody", "datatype": "relation"}]' }, 404,
            'Attribute 1: Object "nobody" not found (nobody does not exist.)' ],
        [ { json => '{"subkey": "a", "driver": "nondriver"}' }, 412, 'The driver "nondriver" is not a valid driver' ],
        [ { json => '{"subkey": "a", "driver": "pool"}' }, 409, 'The driver for object "web1" is not "pool"' ],
        [ { json => '[{"driver": "device"}, {"driver": "pool"}]' }, 409, 'Attribute 1: The driver for object "web1" is not "pool"' ],
        [ { json => '{"value": "/pool/web2", "datatype": "relation"}' }, 409, 'The driver for object "web2" is not "pool"' ],
        [ { form => [ value => 'x', colour => 'red' ] }, 400, 'Unknown parameter "colour". Please choose from: key, value, subkey, number, resource, datatype, mask, driver.' ],
        [ { json => '{"value": "x", "colour": "red"}' }, 400, 'Unknown parameter "colour". Please choose from: key, value, subkey, number, resource, datatype, mask, driver.' ],
        [ { json => '[{"value": "x"}, {"value": "x", "colour": "red"}]' }, 400, 'Attribute 1: Unknown parameter "colour". Please choose from: key, value, subkey, number, resource, datatype, mask, driver.' ],
        [ { json => '[{"value": "x"}, {"value": "x", "key": "a b"}]' }, 400, q(Attribute 1: 'a b' is not a valid key: it must start with a letter or _ and go on with letters, digits, _ and -.) ],
        [ { json => '[{"value": "x"}, {"value": "six", "datatype": "int"}]' }, 400, q(Attribute 1: Error casting six into a(n) int: invalid literal for int() with base 10: 'six') ],
        [ { json => '[{"value": "x"}, {"value": "/basicserver/nobody", "datatype": "relation"}]' }, 404, 'Attribute 1: Object "nobody" not found (nobody does not exist.)' ],
    ],
    'PUT /attribute' => [
        [ PUT => '/attribute/web1/twice', { form => [ value => 'c' ] }, 409, 'cannot set an attribute when args match more than one value' ],
        [ PUT => '/attribute/web1/x', { json => '[{"value": 1}, {"key": "twice", "value": "c"}]' }, 409, 'Attribute 1: cannot set an attribute when args match more than one value' ],
    ],
    'GET and POST /resourcemanager/DRIVER' => [
        [ GET  => '/resourcemanager/nondriver', {}, 404, q(Not a valid driver "nondriver" (driver name nondriver doesn't exist.)) ],
        [ GET  => '/resource/nondriver', {}, 404, q(Not a valid driver "nondriver" (driver name nondriver doesn't exist.)) ],
        [ POST => '/resourcemanager/nondriver', {}, 412, 'Requested driver "nondriver" does not exist' ],
        [ POST => '/resourcemanager/nondriver', { form => [ name => 'x' ] }, 412, 'Requested driver "nondriver" does not exist' ],
        [ POST => '/resourcemanager/pool', { form => [ name => 'x' ] }, 409, 'The driver "pool" is not a resource manager' ],
        [ POST => '/resourcemanager/ipmanager', {}, 412, 'Provide a name for the resource manager' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', colour => 'red' ] }, 400, '"colour" is not a property of the driver "ipmanager"' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', basename => 'red' ] }, 400, '"basename" is not a property of the driver "ipmanager"' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', baseip => 'foo' ] }, 400, '"foo" is not an IPv4 address for the property "baseip"' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', baseip => '10.0.0.256' ] }, 400, '"10.0.0.256" is not an IPv4 address for the property "baseip"' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', baseip => '10.0.0.0', netmask => '255.0.255.0' ] }, 400, '"255.0.255.0" is not a netmask for the property "netmask"' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', baseip => '10.0.0.0', netmask => '33' ] }, 400, '"33" is not a netmask for the property "netmask"' ],
        [ POST => '/resourcemanager/ipmanager', { form => [ name => 'x', baseip => '10.0.0.0', gateway => 'gate' ] }, 400, '"gate" is not an IPv4 address for the property "gateway"' ],
        [ POST => '/resourcemanager/simplenamemanager', { form => [ name => 'x', digits => 'x' ] }, 400, '"x" is not a number from 1 to 18 for the property "digits"' ],
        [ POST => '/resourcemanager/simplenamemanager', { form => [ name => 'x', digits => '-1' ] }, 400, '"-1" is not a number from 1 to 18 for the property "digits"' ],
        [ POST => '/resourcemanager/simplenamemanager', { form => [ name => 'x', next => 'x' ] }, 400, '"x" is not a number from 0 to 2147483647 for the property "next"' ],
        [ POST => '/resourcemanager/simplenamemanager', { form => [ name => 'x', leadingZeros => 'x' ] }, 400, '"x" is not a number from -2147483648 to 2147483647 for the property "leadingZeros"' ],
    ],
    'Not a manager' => [
        map { [ @$_, 409, 'The object "web1" is not a resource manager' ] }
            [ GET => '/resourcemanager/basicserver/web1', {} ],
            map { [ $_ => '/resourcemanager/basicserver/web1', { form => [ object => 'web2' ] } ] } qw(POST DELETE)
    ],
    'Allocating' => [
        [ POST => '/resourcemanager/ipmanager/net', {}, 404, 'Cannot allocate an empty thing, send one of "driver", "object"' ],
        [ POST => '/resourcemanager/ipmanager/net', { form => [ object => 'nobody' ] }, 404, 'Thing was "nobody" not found' ],
        [ POST => '/resourcemanager/simpleentitynamemanager/testnames', { form => [ driver => 'nondriver' ] }, 404, 'Thing was "nondriver" not found' ],
        [ POST => '/resourcemanager/ipmanager/net', { form => [ object => 'web2' ] }, 409, '"net" has no resource left' ],       # exhausted
        [ POST => '/resourcemanager/ipmanager/net', { form => [ object => 'web2', resource => '10.0.0.2' ] }, 409, 'Requested resource is not available: "10.0.0.2"' ],
        [ POST => '/resourcemanager/ipmanager/bare', { form => [ object => 'web2', resource => '10.0.0.2' ] }, 409, 'Requested resource is not available: "10.0.0.2"' ],    # by any manager
        [ POST => '/resourcemanager/ipmanager/bare', { form => [ object => 'web2' ] }, 409, '"bare" cannot choose a resource, send one as "resource"' ],      # only explicit ones
        [ POST => '/resourcemanager/ipmanager/lan', { form => [ object => 'web2', resource => '10.2.0.1' ] }, 400, 'the address 10.2.0.1 is out of the range of "lan"' ],
        [ POST => '/resourcemanager/ipmanager/lan', { form => [ object => 'web2', resource => '10.0.255.255' ] }, 400, 'the address 10.0.255.255 is out of the range of "lan"' ],
        [ POST => '/resourcemanager/ipmanager/lan', { form => [ object => 'web2', resource => '10.1.1.0' ] }, 400, 'the address 10.1.1.0 is out of the range of "lan"' ],
        [ POST => '/resourcemanager/ipmanager/lan', { form => [ object => 'web2', resource => 'ten' ] }, 400, '"ten" is not an IPv4 address' ],
        [ POST => '/resourcemanager/ipmanager/lan', { form => [ driver => 'basicserver' ] }, 409, '"lan" gives resources to objects only: send an "object"' ],    # the wrong kind of thing
        [ POST => '/resourcemanager/simplenamemanager/onedigit', { form => [ driver => 'basicserver' ] }, 409, '"onedigit" gives resources to objects only: send an "object"' ],
        [ POST => '/resourcemanager/simplenamemanager/onedigit', { form => [ object => 'web2' ] }, 409, '"onedigit" has no resource left' ],
        [ POST => '/resourcemanager/simpleentitynamemanager/full', { form => [ driver => 'basicserver' ] }, 409, '"full" has no resource left' ],
        [ POST => '/resourcemanager/simpleentitynamemanager/testnames', { form => [ object => 'web1' ] }, 409, '"testnames" gives names to new objects only: send a "driver"' ],
        [ POST => '/resourcemanager/simpleentitynamemanager/testnames', { form => [ driver => 'clustometa' ] }, 409, 'clustometa cannot be created or deleted' ],
        [ POST => '/resourcemanager/simpleentitynamemanager/testnames', { form => [ driver => 'basicserver', resource => 'web1' ] }, 409, '"web1" already exists' ],
        [ POST => '/resourcemanager/resourcemanager/things', { form => [ object => 'web2', resource => 'thing1' ] }, 409, 'Requested resource is not available: "thing1"' ],
        [ POST => '/resourcemanager/resourcemanager/things', { form => [ object => 'web2' ] }, 409, '"things" cannot choose a resource, send one as "resource"' ],
    ],
    'Giving back' => [
        [ DELETE => '/resourcemanager/ipmanager/net', {}, 404, 'Cannot deallocate empty, send an object to deallocate' ],
        [ DELETE => '/resourcemanager/ipmanager/net', { form => [ object => 'nobody' ] }, 404, 'Object "nobody" not found (nobody does not exist.)' ],
        [ DELETE => '/resourcemanager/ipmanager/net', { form => [ object => 'web2', resource => '10.0.0.2' ] }, 409, '"10.0.0.2" is not allocated to "web2"' ],
        [ DELETE => '/resourcemanager/ipmanager/net', { form => [ object => 'web1', resource => 'ten' ] }, 400, '"ten" is not an IPv4 address' ],
        [ DELETE => '/resourcemanager/ipmanager/net', { form => [ object => 'web1', resource => '' ] }, 400, '"resource" is empty: leave it out to give back everything' ],
        [ DELETE => '/resourcemanager/simpleentitynamemanager/testnames', { form => [ object => 'web1' ] }, 409,
            q(can't deallocate an entity name, delete the entity instead.) ],
    ],
);

# --- asking -----------------------------------------------------------------------------------------

my $before = $world->fingerprint;
my ($asked, %seen) = (0);

while (my ($heading, $rows) = splice @table, 0, 2) {
    subtest $heading => sub {
        for my $row (@$rows) {
            my ($method, $path, $opt, $status, $message) = @$row;
            my $title  = join ' ', $method, $path, $world->brief($opt);
            my $answer = $world->ask($method, $path, %$opt);
            $asked++;
            is $answer->{status}, $status, "$title: status";
            if (!defined $message) {
                is $answer->{body}, '', "$title: no body";
            }
            elsif (ref $message) {
                is $answer->{body}, $$message, "$title: body";
            }
            else {
                is $world->message($answer), $message, "$title: message";
                is $answer->{headers}{'content-type'}, 'application/json', "$title: is JSON";
            }
            if ($status == 405) {
                like $answer->{headers}{allow}, qr/\b(?:GET|POST|PUT|DELETE)\b.*\bOPTIONS\b/, "$title: Allow";
                unlike $answer->{headers}{allow}, qr/\b$method\b/, "$title: Allow is without $method";
            }
            ok !exists $answer->{headers}{'clusto-version'}, "$title: made no version";
        }
    };
}

is $world->fingerprint, $before, "the database is as before $asked refusals";
done_testing;
