# 72-page.t: the page in a real browser, behind both front servers: every view by its URL, keys, edits and refused
# ones, two editors, the past, undo, what changes meanwhile, names that look like markup, a silent console.
# MUSTER_AXE=FILE (axe.min.js) also looks for obstacles with axe-core; MUSTER_PAGE_ROWS (3,000) rows are listed;
# MUSTER_PAGE_TIMES=1 asserts the budgets in milliseconds, too, which only a quiet machine keeps.
use v5.24;
use warnings;
use utf8;
use JSON::PP ();
use MIME::Base64 ();
use Muster::Browser;
use Muster::Client qw(uri_encode);
use Muster::Data qw(load_many);
use Muster::Datacentre;
use Muster::Front;
use Muster::Process qw(build_dir poll slurp spew temp_dir);
use Muster::Server;
use Muster::World;
use Test::More;

my $missing = Muster::Browser::missing();
plan skip_all => "$missing is missing (Debian: chromium, chromium-driver)" if $missing;
binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output, Test::More->builder->todo_output;

my $ROWS = $ENV{MUSTER_PAGE_ROWS} // 3000;

my $world  = Muster::World->new(data => 0, front => 'nginx', conf => {
    token_key => 'k' x 32, access => [ { who => 'anonymous', roles => 'admin' } ] });
my $client = $world->client;
# Names that a careless page would take for something else.
my @hostile = ('a/b ü \x & <b>x', '<img src=x onerror=alert(1)>', 'why?x#y', '100%2F', q('"`${0}));
Muster::Datacentre::fill($client, racks => 6);
$client->post('/entity/pool', form => [ map { (name => $_) } @hostile ]);

my $browser = Muster::Browser->new(url => $world->front->url);

# The page when it shows this view: the heading is the text, and nothing is on its way.
sub shows {
    my ($heading, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($browser->until_js('return document.querySelector("main h1")?.innerText.startsWith(arguments[0]) && !document.querySelector("main[aria-busy]")', $heading), $name)
        || diag($browser->address . ":\n" . ($browser->text // '') . join "\n", $browser->console);
}

sub has_text {
    my ($css, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(poll(20, sub { (eval { $browser->text($css) } // '') =~ $pattern }), $name) || diag($browser->address . ":\n" . ($browser->text // ''));
}

# What the console has to say, but for requests that were meant to fail.
sub silent {
    my ($name, $meant) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(join("\n", grep { !$meant || !/$meant/ } $browser->console), '', "$name: the console is silent");
}

sub value_of { my ($name, $key) = @_; return $client->get('/attribute/' . uri_encode($name) . "/$key")->{json}[0]{value} }

my @views = (
    [ '/ui/', 'Muster' ], [ '/ui/list', 'Objects' ], [ '/ui/list/basicserver', 'basicserver' ], [ '/ui/list?q=pool+%3D+db&cols=name,owner,system.memory&sort=-name', 'Objects' ],
    [ '/ui/search?q=ams1-db', 'Found for' ], [ '/ui/object/ams1-db002', 'ams1-db002' ], [ '/ui/object/ams1-db002?tab=history', 'ams1-db002' ],
    [ '/ui/object/ams1-db002?tab=json', 'ams1-db002' ], [ '/ui/object/db?tab=contents', 'db' ], [ '/ui/object/ams1-a01', 'ams1-a01' ],
    [ '/ui/object/ams1-servers', 'ams1-servers' ], [ '/ui/racks', 'Racks' ], [ '/ui/racks/ams1-a?colour=owner', 'ams1-a' ], [ '/ui/pools', 'Pools' ], [ '/ui/managers', 'Managers' ],
    [ '/ui/history', 'History' ], [ '/ui/history/3', 'Version 3' ], [ '/ui/new?driver=ipmanager', 'New object' ], [ '/ui/keys', 'Keys' ], [ '/ui/signin', 'Sign in' ],
    [ '/ui/object/ams1-db002?asof=4', 'ams1-db002' ],
);

sub obstacles {
    my ($name) = @_;
    return if !$ENV{MUSTER_AXE};
    $browser->js(slurp($ENV{MUSTER_AXE}) =~ s/\bsourceMappingURL.*//r . ';window.axe = axe') if !$browser->js('return !!window.axe');
    my $found = $browser->wait_js(<<'JS');
axe['run'](document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    .then(r => arguments[0](r.violations.map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' ')}`)), e => arguments[0]([String(e)]));
JS
    is_deeply($found, [], "$name: axe-core finds no obstacle");
    return;
}

subtest 'every view by its URL' => sub {
    for my $view (@views) {
        my ($path, $heading) = @$view;
        $browser->go($path);
        shows($heading, $path);
        obstacles($path);
    }
    silent('all of them');
    $browser->go('/ui/no-such-view');
    shows('Not found', 'a view that is not there');
    $browser->go('/ui/object/nobody');
    shows('Not found', 'an object that is not there');
    is($browser->role('main [role=alert]'), 'alert', 'which is said aloud');
    has_text('main', qr/nobody does not exist/, '  in the words of the server');
    silent('these two', qr/404/);
};

subtest 'links, back and reload' => sub {
    $browser->go('/ui/');
    shows('Muster', 'the first page');
    has_text('main', qr/ams1-mgmt\s+5 of 6\s+83 %/, 'has the managers that are nearly full, be they small');
    $browser->click('basicserver', 'main');
    shows('basicserver', 'a driver');
    $browser->click('ams1-db002', 'main');
    shows('ams1-db002', 'an object');
    like($browser->address, qr{/ui/object/ams1-db002$}, '  is a URL');
    is($browser->title, 'ams1-db002 - Muster', '  and a title');
    $browser->click('History', 'main');
    has_text('main table', qr/rack 1 is filled/, 'its history');
    $browser->reload;
    has_text('main table', qr/rack 1 is filled/, 'is there after a reload');
    $browser->back;
    has_text('main table', qr/R740/, 'back: its attributes');
    $browser->back;
    shows('basicserver', 'back: the list');
    silent('links');
};

subtest 'names that look like something else' => sub {
    for my $name (@hostile) {
        $browser->go('/ui/object/' . uri_encode($name));
        shows($name, $name);
        $browser->go('/ui/list/pool?filter=' . uri_encode($name));
        $browser->click($name, 'main');
        shows($name, '  by a link');
        is($browser->js('return document.querySelectorAll("main img, main b").length'), 0, '  is a text');
    }
    silent('hostile names');
};

subtest 'searching' => sub {
    $browser->go('/ui/');
    $browser->one('#find');
    $browser->keys('/');
    $browser->keys(split(//, 'ams1-k8s004'), 'enter');
    shows('ams1-k8s004', 'a name opens at once');
    my $address = $client->get('/by-name/ams1-web001')->{json}{ips}[0];
    $browser->go("/ui/search?q=$address");
    shows('ams1-web001', 'an address opens its owner');
    $browser->go('/ui/search?q=10.20.1.200');
    shows('ams1-servers', 'or the manager that can give it');
    $browser->go('/ui/search?q=frontend');
    has_text('main', qr/owner: frontend/, 'else it says what matched');
    $browser->go('/ui/search?q=65536');
    has_text('main', qr/system\.memory: 65536/, '  a number, too');
    $browser->go('/ui/search?q=ams1-serv');
    has_text('main tbody tr:first-child', qr/^ams1-servers\s.*name/s, '  the object first');
    has_text('main', qr/ip\.manager: \/ipmanager\/ams1-servers/, '  then what refers to it');
    $browser->go('/ui/list/basicserver?q=' . uri_encode('attr owner ='));
    has_text('main [role=alert]', qr/line 2, column 13: .*a value is expected/, 'a query that can not be read is told where');
    has_text('main h1', qr/0 objects$/, '  and finds nothing');
    silent('searching', qr/400/);
};

subtest 'keys' => sub {
    $browser->go('/ui/list/basicserver');
    $browser->one('main [data-row] a');
    $browser->keys('j', 'j');
    is($browser->js('return document.activeElement.innerText'), 'ams1-db002', 'j goes down the rows');
    $browser->keys('k');
    is($browser->js('return document.activeElement.innerText'), 'ams1-web001', 'k goes up');
    $browser->keys('x');
    has_text('main .tools', qr/\S/, 'x ticks');
    ok($browser->js('return document.querySelector("main [data-row] input").checked'), '  the row');
    $browser->keys('enter');
    shows('ams1-web001', 'Enter opens');
    $browser->reload;
    shows('ams1-web001', '  the same after a reload');
    $browser->keys(']');
    shows('ams1-db002', '] is the next one of the list');
    $browser->keys('[');
    shows('ams1-web001', '[ the one before');
    $browser->keys('e');
    ok($browser->until_js('return document.activeElement.name === "value"'), 'e edits');
    $browser->keys('g', 'r');
    shows('ams1-web001', 'keys do nothing while one types');
    $browser->keys('escape');
    ok($browser->until_js('return !document.querySelector("form.edit")'), 'Escape closes');
    for my $key ([ r => 'Racks' ], [ p => 'Pools' ], [ m => 'Managers' ], [ h => 'History' ], [ o => 'Objects' ]) {
        $browser->keys('g', $key->[0]);
        shows($key->[1], "g $key->[0]");
    }
    $browser->keys('?');
    shows('Keys', '? lists them');
    silent('keys');
};

subtest 'an edit, tried, refused, saved and undone' => sub {
    $browser->go('/ui/object/ams1-db007');
    $browser->click('Edit owner');
    $browser->type('form.edit [name=value]', 'ops');
    $browser->type('form.edit [name=why]', 'ein neues Team, 10 €');
    $browser->click('Preview');
    has_text('form.edit', qr/This would change.*core.*ops/s, 'a preview shows what would be different');
    is(value_of('ams1-db007', 'owner'), 'core', '  and changes nothing');
    $browser->one('form.edit select');
    $browser->js('document.querySelector("form.edit select").value = "int"');
    $browser->click('Save', 'form.edit');
    has_text('form.edit [role=alert]', qr/Error casting ops into a\(n\) int.*request \S+/s, 'a refusal is in the words of the server, with its id');
    $browser->js('document.querySelector("form.edit select").value = "string"');
    $browser->click('Save', 'form.edit');
    has_text('#status', qr/^owner changed \(version \d+\)/, 'saved');
    is($browser->role('#status'), 'status', '  and said');
    is(value_of('ams1-db007', 'owner'), 'ops', '  and done');
    my ($version) = $browser->text('#status') =~ /(\d+)/;
    is($client->get("/history?limit=1")->{json}{versions}[0]{description}, 'ein neues Team, 10 €', '  with the reason');

    $browser->go('/ui/object/ams1-db007?asof=' . ($version - 1));
    has_text('main table', qr/core/, 'as of before: the old value');
    $browser->click('History', 'main');
    has_text('main table', qr/rack 1 is filled/, '  and its history till then');
    unlike($browser->text('main table'), qr/ein neues Team/, '  without what came later');
    is($browser->js('return document.querySelectorAll("[data-edit]").length'), 0, '  which nobody can edit');
    has_text('#past', qr/nothing can be changed/, '  as the bar says');

    $browser->go("/ui/history/$version");
    has_text('main', qr/owner: .*core.*ops/s, 'the version shows before and after');
    $browser->click('Undo this');
    $browser->click("Preview");
    has_text('form.edit', qr/This would change.*ops.*core/s, 'undo: shown first');
    $browser->click("Undo version $version");
    poll(20, sub { value_of('ams1-db007', 'owner') eq 'core' });
    is(value_of('ams1-db007', 'owner'), 'core', '  then done');
    ok($browser->until_js('return /history\/\d+$/.test(location.pathname) && !location.pathname.endsWith(`/${arguments[0]}`)', $version), '  and seen');
    has_text('main', qr/owner: .*ops.*core/s, '  as a version of its own');
    $browser->go("/ui/history/$version");
    $browser->click('Newer');
    has_text('main', qr/owner: .*ops.*core/s, 'the next version, although a preview took the number between');
    $browser->click('Older');
    shows("Version $version", 'and back');
    silent('edits', qr/400|412/);
};

# From now on the page's requests are noted, and the responses of the first so many of a method are lost.
sub lose {
    my ($method, $times) = @_;
    return $browser->js(<<'JS', $method, $times);
const [method, times] = arguments, plain = window.fetch;
window.sent = [];
window.fetch = async (address, options) => {
    const response = await plain(address, options);
    if (options.method !== method) return response;
    if (sent.push(options.headers) <= times) throw new TypeError('lost');
    return response;
};
JS
}

subtest 'a write whose response is lost is done once' => sub {
    my $add = sub {
        $browser->click('Add attribute');
        $browser->type('form.edit [name=key]', 'note');
        $browser->type('form.edit [name=value]', 'once');
    };
    my $notes = sub { return scalar @{ $client->get('/attribute/ams1-k8s004/note')->{json} } };
    $browser->go('/ui/object/ams1-k8s004');
    $add->();
    lose(POST => 1);
    $browser->click('Add', 'form.edit');
    has_text('form.edit [role=alert]', qr/could not be reached.*done only once/, 'one is told');
    is($notes->(), 1, '  and does not know that it was done');
    $browser->click('Add', 'form.edit');
    has_text('#status', qr/^Attribute added \(version \d+\)/, 'sent again, it is told as done');
    is($notes->(), 1, '  and was not done twice');
    $add->();
    $browser->click('Add', 'form.edit');
    ok(poll(20, sub { $notes->() == 2 }), 'the same, wanted once more, is done once more');
    my @keys = map { $_->{'Idempotency-Key'} } @{ $browser->js('return sent') };
    is($keys[0], $keys[1], 'one key for one intention');
    isnt($keys[1], $keys[2], '  another for the next');
    silent('a lost response');
};

subtest 'two editors' => sub {
    $browser->go('/ui/object/ams1-cache008');
    $browser->click('Edit os');
    $client->put('/attribute/ams1-cache008/os', form => 'value=theirs');
    $browser->type('form.edit [name=value]', 'mine');
    $browser->click('Save', 'form.edit');
    has_text('form.edit [role=alert]', qr/Somebody else.*theirs/s, 'the second one sees what the first did');
    is(value_of('ams1-cache008', 'os'), 'theirs', '  which is still there');
    $browser->click('Save', 'form.edit');
    ok(poll(20, sub { value_of('ams1-cache008', 'os') eq 'mine' }), 'and may insist');
    silent('two editors', qr/412/);
};

subtest 'attributes are added and deleted, numbers stay as they are' => sub {
    $browser->go('/ui/object/ams1-web001');
    $browser->click('Add attribute');
    $browser->type('form.edit [name=key]', 'serial');
    $browser->type('form.edit [name=value]', '1234567890123456789');
    $browser->js('document.querySelector("form.edit select").value = "int"');
    $browser->click('Add', 'form.edit');
    has_text('main table', qr/serial\s+1234567890123456789\b/, 'a long integer');
    like($client->get('/attribute/ams1-web001/serial')->{body}, qr/"value": 1234567890123456789\n/, '  as it was typed');
    $client->post('/attribute/ams1-web001', body => '{"key": "big", "value": {"n": 12345678901234567890, "f": 1.10}}', type => 'application/json');
    $browser->reload;
    has_text('main table', qr/12345678901234567890/, 'and what no double holds');
    has_text('main table', qr/1\.10/, '  nor has another form');
    $browser->click('Delete big');
    $browser->click('Delete big', 'form.edit');
    ok(poll(20, sub { !@{ $client->get('/attribute/ams1-web001/big')->{json} } }), 'an exact row is deleted');
    $client->post('/attribute/ams1-web001', form => "key=tag&value=$_") for 'a', 'b';
    $browser->reload;
    $browser->click('Edit tag');
    $browser->type('form.edit [name=value]', '${0}');
    $browser->click('Save', 'form.edit');
    ok(poll(20, sub { join(' ', sort map { $_->{value} } @{ $client->get('/attribute/ams1-web001/tag')->{json} }) eq '${0} b' }), 'one of two is changed');
    silent('attributes');
};

subtest 'racks, containers, addresses' => sub {
    $browser->go('/ui/object/ams1-a01');
    is($browser->role('.rack a'), 'link', 'a device in the drawing is a link');
    is($browser->label('.rack a'), 'sw-ams1-a01, basicnetworkswitch, U45', '  that says what it is and where');
    is($browser->js('return document.querySelectorAll(".rack a[tabindex=\"0\"]").length'), 1, '  and one stop for Tab');
    $browser->js('document.querySelector(".rack a").focus()');
    $browser->keys('down');
    like($browser->js('return document.activeElement.getAttribute("aria-label")'), qr/basicserver, U/, '  arrows move');
    $client->post('/entity/basicserver', form => 'name=spare');
    my ($free) = $client->get('/entity/basicrack/ams1-a01/units')->{json}{free}[-1][0];
    $browser->press(".rack .free[data-unit='$free']");
    $browser->type('form.edit [name=device]', 'spare');
    $browser->click('Put in', 'form.edit');
    ok(poll(20, sub { ($client->get('/by-name/spare')->{json}{parents}[0] // '') eq '/basicrack/ams1-a01' }), 'a free unit is filled by a click');
    $browser->go('/ui/object/spare');
    has_text('main', qr/ams1-a01 U$free/, 'its place is shown');
    $browser->click('Put into');
    $browser->type('form.edit [name=container]', 'web');
    $browser->click('Put in', 'form.edit');
    has_text('main .chips', qr/web/, 'it is put into a pool');
    $browser->click('Take out');
    $browser->one('form.edit select');
    $browser->js('document.querySelector("form.edit select").value = "web"');
    $browser->click('Take out', 'form.edit');
    ok(poll(20, sub { @{ $client->get('/by-name/spare')->{json}{parents} } == 1 }), 'and taken out');

    $browser->go('/ui/object/ams1-servers');
    has_text('main table', qr/\d+ free: 10\.20\.1\.\d+-254/, 'the gaps of a manager are rows');
    $browser->click('Allocate');
    $browser->type('form.edit [name=object]', 'spare');
    $browser->type('form.edit [name=resource]', '10.20.1.240');
    $browser->click('Allocate', 'form.edit');
    ok(poll(20, sub { ($client->get('/by-name/spare')->{json}{ips}[0] // '') eq '10.20.1.240' }), 'an address is allocated');
    $browser->go('/ui/object/spare');
    $browser->click('Give back');
    $browser->click('Give back 10.20.1.240');
    ok(poll(20, sub { !@{ $client->get('/by-name/spare')->{json}{ips} } }), 'and given back');
    silent('racks');
};

# How many pages the view has on paper.
sub pages {
    my $pdf = $browser->cdp('Page.printToPDF', preferCSSPageSize => JSON::PP::true)->{data};
    return scalar(() = MIME::Base64::decode($pdf) =~ m{/Type */Page\b}g);
}

subtest 'on paper' => sub {
    $browser->go('/ui/racks/ams1-a?small=1');
    shows('ams1-a', 'thumbnails');
    is(pages(), 1, '  are one page');
    $browser->go('/ui/racks/ams1-a');
    shows('ams1-a', 'six racks');
    is(pages(), 2, '  are two pages');
    # The part of A4 landscape within the margins.
    $browser->cdp('Emulation.setEmulatedMedia', media => 'print');
    $browser->cdp('Emulation.setDeviceMetricsOverride', width => 1047, height => 718, deviceScaleFactor => 1, mobile => JSON::PP::false);
    my $racks = $browser->js('return [...document.querySelectorAll(".rackrow section")].map(s => ({ top: s.offsetTop, height: s.offsetHeight, whole: getComputedStyle(s).breakInside }))');
    is(join(' ', map { $_->{whole} } @$racks), 'avoid avoid avoid avoid avoid avoid', '  of whole racks');
    is(scalar(grep { $_->{top} == $racks->[0]{top} } @$racks), 4, '  four on the first');
    cmp_ok($racks->[0]{top} + $racks->[0]{height}, '<=', 718, '  below the heading');
    $browser->cdp('Emulation.clearDeviceMetricsOverride');
    $browser->cdp('Emulation.setEmulatedMedia', media => '');
    $browser->go('/ui/object/ams1-a01');
    shows('ams1-a01', 'a rack with its attributes');
    is(pages(), 1, '  is one page');
    $browser->go('/ui/list/basicserver');
    $browser->one('main [data-row] a');
    my $rows = 'return document.querySelectorAll("main [data-row]").length';
    is($browser->js("dispatchEvent(new Event('beforeprint')); $rows"), $client->get('/driverlist', headers => { 'Clusto-Mode' => 'expanded' })->{json}{basicserver}{count}, 'a list has all of its rows');
    cmp_ok($browser->js("dispatchEvent(new Event('afterprint')); $rows"), '<=', 60, '  and few again on the screen');
    silent('on paper');
};

subtest 'an object from its beginning to its end' => sub {
    $browser->go('/ui/new?driver=ipmanager');
    $browser->type('form.edit [name=name]', 'lab');
    $browser->type('form.edit [name="property baseip"]', '192.0.2.0');
    $browser->type('form.edit [name="property netmask"]', '28');
    $browser->click('Create', 'form.edit');
    shows('lab', 'a manager is created');
    has_text('main', qr/of 14 used/, '  with its range');
    $browser->click('Rename');
    $browser->type('form.edit [name=to]', 'lab 2');
    $browser->click('Rename', 'form.edit');
    shows('lab 2', 'renamed');
    $browser->click('Delete', 'main header');
    $browser->type('form.edit [name=name]', 'lab');
    $browser->click('Delete', 'form.edit');
    has_text('form.edit [role=alert]', qr/not its name/, 'deleted only by its name');
    $browser->type('form.edit [name=name]', 'lab 2');
    $browser->click('Delete', 'form.edit');
    ok(poll(20, sub { $client->get('/by-name/lab%202')->{status} == 404 }), 'deleted');
    silent('a life');
};

subtest 'what changes meanwhile' => sub {
    $browser->go('/ui/object/ams1-web006');
    shows('ams1-web006', 'an object');
    ok(poll(30, sub {
        $client->put('/attribute/ams1-web006/seen', form => 'value=' . time);
        return poll(2, sub { ($browser->text('#live') // '') =~ /ams1-web006 changed/ });
    }), 'a line says that it was changed');
    unlike($browser->text('main'), qr/seen/, '  and nothing moves');
    $browser->click('Show', '#live');
    has_text('main', qr/seen/, 'until one asks');
    silent('live');
};

subtest 'many at once' => sub {
    $browser->go('/ui/list?q=' . uri_encode('pool = db') . '&sort=name');
    $browser->one('main [data-row] a');
    $browser->press("main [data-row]:nth-child($_) input") for 2, 3;
    $browser->click('Set attribute');
    $browser->type('form.edit [name=key]', 'window');
    $browser->type('form.edit [name=value]', 'sunday');
    $browser->click('Preview', 'form.edit');
    has_text('form.edit', qr/This would change.*window/s, 'the difference comes first');
    $browser->click('Change 2 objects');
    ok(poll(20, sub { @{ $client->get('/by-attr?key=window&value=sunday')->{json} } == 2 }), 'then both are changed, in one version');
    my $dir = temp_dir();
    chmod 0777, $dir;
    $browser->cdp('Browser.setDownloadBehavior', behavior => 'allow', downloadPath => $dir);
    $browser->click('Export CSV');
    ok(poll(20, sub { -s "$dir/muster.csv" }), 'what is shown is exported');
    like(slurp("$dir/muster.csv"), qr/\A"name","driver".*\r\n"ams1-db002","basicserver"/, '  as CSV, in its order');
    my $all = scalar @{ $client->get('/query?q=' . uri_encode('pool = db'))->{json} };
    $browser->press('main thead input');
    has_text('main .tools[role=group]', qr/^$all objects:/, 'all are ticked at once');
    $browser->press('main [data-row] input');
    has_text('main .tools[role=group]', qr/^@{[ $all - 1 ]} objects:/, '  and one of them is not any more');
    ok(!$browser->js('return document.querySelector("main thead input").checked'), '  so that not all of them are');
    silent('many');
};

subtest 'the history of a driver' => sub {
    $client->put('/attribute/ams1-web006/turn', form => "value=$_") for 1 .. 55;
    $client->put('/attribute/web/turn', form => "value=$_") for 1 .. 60;
    my $rows = sub { return $browser->js('return [...document.querySelectorAll("main [data-row]")].map(r => r.innerText)') };
    $browser->go('/ui/history?driver=basicserver');
    has_text('main table', qr/ams1-web006/, 'what is further back than a page is found');
    my @first = @{ $rows->() };
    is(@first, 50, '  a page of it');
    is(scalar(grep { !/attribute\/ams1-web006/ } @first), 0, '  and nothing else');
    $browser->click('Older');
    has_text('main table', qr/rack 1 is filled\s+ams1-(?!a\d)\w+\s/, 'the next page goes on, each with objects of the driver first');
    my @all = (@first, @{ $rows->() });
    my %seen = map { /^(\d+)/; $1 => 1 } @all;
    is(keys %seen, @all, '  and has nothing twice');
    is(scalar(grep { m{attribute/ams1-web006/turn} } @all), 55, '  nor leaves anything out');
    silent('the history of a driver');
};

# Milliseconds are what a quiet machine is asked for: with MUSTER_PAGE_TIMES=1.
sub quick {
    my ($ms, $budget, $name) = @_;
    my $text = sprintf '%s: %d ms (of %d)', $name, $ms, $budget;
    return $ENV{MUSTER_PAGE_TIMES} ? cmp_ok($ms, '<', $budget, $text) : note $text;
}

# How long the page takes from a click on a link to the view until as many of the elements as that are laid out.
sub visit {
    my ($path, $css, $least) = @_;
    return $browser->wait_js(<<'JS', $path, $css, $least);
const [path, css, least, done] = arguments, begin = performance.now();
const look = () => {
    if (document.querySelectorAll(css).length < least) return false;
    document.body.offsetHeight;
    done(performance.now() - begin);
    return true;
};
document.querySelector('main').replaceChildren();
const observer = new MutationObserver(() => look() && observer.disconnect());
observer.observe(document.querySelector('main'), { childList: true, subtree: true });
const link = document.createElement('a');
link.href = path;
document.body.append(link);
link.click();
link.remove();
JS
}

subtest 'a long list' => sub {
    load_many($world->postgres, count => $ROWS, attrs => 0, prefix => 'many', pool => 'crowd');
    $browser->go('/ui/object/ams1-db002');
    shows('ams1-db002', 'an object');
    my $list = '/ui/list?q=' . uri_encode('name ^ many');
    quick(visit($list, 'main [data-row]', 20), 700, "$ROWS rows: the first ones");
    shows('Objects', 'a list');
    has_text('main h1', qr/or more/, 'begins with its first rows');
    cmp_ok($browser->js('return document.querySelectorAll("main tbody tr").length'), '<=', 62, 'few of them are in the page');
    # As many as are kept. The next page is asked for while the filter asks for all.
    my $kept = $ROWS < 100_000 ? $ROWS : 100_000;
    $browser->js(<<'JS', sprintf 'many%06d', $kept);
const box = document.querySelector('main input[placeholder=Filter]');
scrollTo(0, 1e9); dispatchEvent(new Event('scroll'));
box.value = arguments[0]; box.dispatchEvent(new Event('input', { bubbles: true }));
JS
    has_text('main h1', qr/1 object of @{[ $ROWS > $kept ? 'the first ' : '' ]}\Q@{[ $kept =~ s{(?<=\d)(?=(\d{3})+$)}{,}gr ]}\E$/, 'the filter has all of them');
    has_text('main tbody', qr/many0*$kept/, '  and finds the last one');
    my $ms = $browser->wait_js(<<'JS');
const done = arguments[0], box = document.querySelector('main input[placeholder=Filter]'), begin = performance.now();
box.value = 'many0'; box.dispatchEvent(new Event('input', { bubbles: true }));
requestAnimationFrame(() => { document.body.offsetHeight; done(performance.now() - begin); });
JS
    quick($ms, 90, 'a key in the filter box to laid out rows');
    cmp_ok($browser->js('return document.querySelectorAll("main tbody tr").length'), '<=', 62, 'still few of them are in the page');
    $browser->cdp('HeapProfiler.collectGarbage');
    my $heap = $browser->cdp('Runtime.getHeapUsage')->{usedSize};
    cmp_ok($heap, '<', 3 * 8 * 2**20, sprintf 'heap with all rows: %.1f MB (of 8)', $heap / 2**20);
    my $dir = temp_dir();
    chmod 0777, $dir;
    $browser->cdp('Browser.setDownloadBehavior', behavior => 'allow', downloadPath => $dir);
    $browser->go($list);
    $browser->one('main [data-row] a');
    $browser->js('scrollTo(0, 1e9); dispatchEvent(new Event("scroll")); [...document.querySelectorAll("main button")].find(b => b.innerText === "Export CSV").click()');
    ok(poll(60, sub { -s "$dir/muster.csv" }), 'exported');
    my %lines = map { $_ => 1 } my @lines = split /\r\n/, slurp("$dir/muster.csv");
    is(@lines, 1 + $kept, '  are all, not only those that had been read');
    is(keys %lines, @lines, '  each once');
    silent('a long list');
};

# Requests about one thing need no bound, and a search has one of its own; all others have one, and none is large.
my $one = qr{^/(?:__\w+__|driverlist|by-address/.*|entity/basicrack/[^/]+/units|resourcemanager/[^/]+/[^/]+/free|preferences/?|changes|search)$};

sub bound {
    my ($request) = @_;
    my ($path, $query) = $request->{path} =~ /^([^?]*)\??(.*)$/;
    my %header = map { lc $_ => $request->{headers}{$_} } keys %{ $request->{headers} };
    return 1 if $path =~ $one;
    # Of few objects members are counted.
    return 1 if $path eq '/query' && $query =~ /count_by=/ && $ROWS < 50_000;
    return 1 if $path =~ m{^/by-name/} && ($header{'clusto-contents'} // '') eq 'none';
    return ($query =~ /\blimit=(\d+)/ ? $1 : $header{'clusto-per-page'} // 1e9) <= 10_000;
}

subtest 'nothing loads all' => sub {
    # Each request of the page with the size of its response, from its beginning on.
    my $noted = $browser->cdp('Page.addScriptToEvaluateOnNewDocument', source => <<'JS')->{identifier};
window.asked = [];
const plain = window.fetch;
window.fetch = async (address, options) => {
    const request = { path: String(address).slice(location.origin.length), headers: options.headers, bytes: 0 };
    asked.push(request);
    const response = await plain(address, options);
    response.clone().text().then(text => { request.bytes = text.length; }, () => {});
    return response;
};
JS
    for my $view (qw(/ui/ /ui/list /ui/list/basicserver /ui/pools /ui/racks /ui/racks/ams1-a /ui/managers /ui/history /ui/history?driver=pool
        /ui/search?q=many /ui/object/crowd /ui/object/ams1-servers /ui/object/ams1-a01)) {
        $browser->go($view);
        ok($browser->until_js('return document.querySelector("main h1") && !document.querySelector("main[aria-busy]")'), $view);
        my $asked = $browser->js('return asked');
        is(join(' ', map { $_->{path} } grep { !bound($_) } @$asked), '', '  asks for pages only');
        my $bytes = 0;
        $bytes += $_->{bytes} for @$asked;
        # Four for any view, one for each of six racks; how often one waits for changes is up to them.
        my $requests = grep { $_->{path} !~ m{^/changes} } @$asked;
        cmp_ok($requests, '<=', 12, "  $requests requests");
        cmp_ok($bytes, '<', 256 * 1024, "  $bytes bytes");
        my $nodes = $browser->js('return document.querySelectorAll("*").length');
        cmp_ok($nodes, '<', 3000, "  $nodes elements");
    }
    $browser->cdp('Page.removeScriptToEvaluateOnNewDocument', identifier => $noted);

    # What a version did to a container has all that it put in: that may be too much.
    $browser->go('/ui/object/db');
    shows('db', 'a pool');
    $browser->js(<<'JS');
const plain = window.fetch;
window.fetch = (address, options) =>
    address.includes('details=true') ? Promise.resolve(new Response(`"${'x'.repeat(9e6)}"`)) : plain(address, options);
JS
    $browser->click('History', 'main');
    has_text('main [role=alert]', qr/more than 8 MB/, 'a large response is not read to its end');
    has_text('main table', qr/rack 1 is filled/, '  and the rest is shown');
    silent('nothing loads all');
};

subtest 'how much, how quick' => sub {
    my $all = 0;
    for my $file (map { s{.*/}{}r } grep { -f } glob build_dir() . '/share/www/ui/*') {
        my $answer = $client->get("/ui/$file", headers => { 'Accept-Encoding' => 'gzip' });
        is($answer->{headers}{'content-encoding'}, 'gzip', "$file is compressed") if $file =~ /\.(?:js|css)$/;
        $all += length $answer->{body};
    }
    cmp_ok($all, '<', 30_000, "all files, as they are served: $all bytes");
    $browser->go('/ui/object/ams1-db002');
    shows('ams1-db002', 'an object');
    my $time = $browser->js('return { paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0, bytes: performance.getEntriesByType("resource").filter(e => e.name.indexOf("/ui/") < 0).reduce((n, e) => n + e.transferSize, 0) }');
    quick($time->{paint}, 500, 'first paint');
    cmp_ok($time->{bytes}, '<', 13 * 1024, "data of an object: $time->{bytes} bytes");
    quick(visit('/ui/racks/ams1-a', 'main svg.rack', 6), 500, 'six racks');
    quick(visit('/ui/object/ams1-db007', 'main .attributes [data-row]', 5), 400, 'an object');
    my $headers = $client->get('/ui/list')->{headers};
    is($headers->{'content-security-policy'}, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'", 'the policy');
    is($headers->{'x-content-type-options'}, 'nosniff', 'nosniff');
};

subtest 'structure and names' => sub {
    $browser->go('/ui/list/basicserver');
    shows('basicserver', 'a list');
    is($browser->role('#bar form'), 'search', 'the search');
    is($browser->label('#find'), 'Search', '  has a name');
    is($browser->role('main'), 'main', 'the main part');
    is($browser->label('#bar nav'), 'Views', 'the views');
    is($browser->label('main [data-row] input'), 'Tick ams1-web001', 'a box to tick');
    is($browser->role('main table'), 'table', 'a table');
    is($browser->role('main tbody th'), 'rowheader', '  whose rows have names');
    is($browser->js('return document.querySelector("#bar nav [aria-current=page]").innerText'), 'Objects', 'where one is');
};
subtest 'behind lighttpd, with a token' => sub {
    my $token = $world->server->run_program([ 'token', 'add', '--owner', 'alice' ]);
    my ($secret) = $token->{out} =~ /(mst_\w+)/ or diag "$token->{out}$token->{err}";
    my $front = Muster::Front->new(kind => 'lighttpd', server => $world->server);
    $browser->at($front->url)->dark(1);
    is($front->client->get('/ui')->{status}, 301, '/ui leads to /ui/');
    is($front->client->get('/ui/list')->{headers}{'content-security-policy'}, $client->get('/ui/list')->{headers}{'content-security-policy'}, 'the same policy');
    for my $view ($ENV{MUSTER_AXE} ? @views : grep { $_->[0] =~ m{/$|list/|racks/} } @views) {
        $browser->go($view->[0]);
        shows($view->[1], "lighttpd: $view->[0]");
        obstacles("dark: $view->[0]");
    }
    for my $name (@hostile) {
        $browser->go('/ui/object/' . uri_encode($name));
        shows($name, "lighttpd: $name");
    }
    silent('lighttpd');

    $browser->go('/ui/preferences');
    has_text('main', qr/Preferences belong to a user/, 'preferences are of somebody');
    $browser->click('sign in');
    $browser->type('#token', 'mst_0000000000000000_' . '0' x 64);
    $browser->click('Sign in', 'main');
    has_text('main [role=alert]', qr/\S/, 'a token that is none');
    $browser->type('#token', $secret);
    $browser->click('Sign in', 'main');
    shows('Preferences', 'signed in');
    has_text('#bar .who', qr/alice/, 'the name is shown');
    $browser->type('#container', 'editor');
    $browser->click('Create');
    shows('editor', 'a container');
    $browser->type('#document', '{"size": 12345678901234567890');
    ok($browser->until_js('return document.querySelector("main button.main").disabled'), 'what is not JSON can not be saved');
    $browser->type('#document', '{"size": 12345678901234567890, "of": {"a": [1]}}');
    has_text('main .wide ul', qr/size: 12345678901234567890.*of\s+1 member/s, 'what is, is shown as a tree, too');
    $browser->click('Save');
    has_text('#status', qr/editor saved/, 'saved');
    lose(PUT => 1);
    $browser->type('#document', '{"size": 12345678901234567890, "of": {"a": [2]}}');
    $browser->click('Save');
    has_text('main [role=alert]', qr/could not be reached.*look before/, 'a response is lost');
    $browser->click('Save');
    ok($browser->until_js('return !document.querySelector("main [role=alert]")'), '  once more: that was its own change');
    my $mine = Muster::Client->new(port => $front->port, headers => { Authorization => "Bearer $secret" });
    like($mine->get('/preferences/editor')->{body}, qr/12345678901234567890/, '  as it was typed');
    $mine->put('/preferences/editor', json => { size => 1 });
    $browser->type('#document', '{"size": 2}');
    $browser->click('Save');
    has_text('main [role=alert]', qr/changed elsewhere/, 'another editor was quicker');
    has_text('main pre', qr/1/, '  and is shown');
    $browser->click('Save');
    ok(poll(20, sub { $mine->get('/preferences/editor')->{json}{size} == 2 }), 'the second time it is meant');
    $browser->go('/ui/list/pool');
    $browser->click('Columns');
    $browser->type('main [aria-label^=Columns]', 'name, owner');
    $browser->click('Show', 'main details');
    has_text('main thead', qr/owner/, 'columns are chosen');
    ok(poll(20, sub { my $kept = $mine->get('/preferences/muster-ui')->{json}; ref $kept eq 'HASH' && "@{ $kept->{columns}{pool} }" eq 'name owner' }), '  and kept in the preferences');
    $browser->go('/ui/list/pool');
    has_text('main thead', qr/owner/, '  for the next time');
    silent('preferences', qr/401|412/);
    $browser->at('')->dark(0);
    # lighttpd ends when what it waits for has: the changes that views asked for.
    $world->server->signal('HUP');
    $front->stop;
};

subtest 'who may only read' => sub {
    my $front = Muster::Front->new(server => $world->server);
    my ($secret) = $world->server->run_program([ 'token', 'add', '--owner', 'reader', '--scope', 'read' ])->{out} =~ /(mst_\w+)/;
    $browser->at($front->url);
    $browser->go('/ui/signin?to=' . uri_encode('/ui/object/ams1-db002'));
    $browser->type('#token', $secret);
    $browser->click('Sign in', 'main');
    shows('ams1-db002', 'where one wanted to go');
    is($browser->js('return document.querySelectorAll("[data-edit], [data-open]").length'), 0, 'nothing is offered that would be refused');
    silent('reading');
    $browser->at('');
    $front->stop;
};

subtest 'other paths, nobody known' => sub {
    my $server = Muster::Server->new(postgres => $world->postgres, schema => 0, conf => { token_key => 'k' x 32, access => [ { who => 'alice', roles => 'admin' } ],
        mounts => { entity => '/inventory/objects', attribute => '/inventory/attributes', resourcemanager => '/managers', preferences => '' } });
    my $front = Muster::Front->new(server => $server);
    my ($secret) = $server->run_program([ 'token', 'add', '--owner', 'alice' ])->{out} =~ /(mst_\w+)/;
    $browser->at($front->url);
    $browser->go('/ui/object/ams1-db002?tab=contents');
    shows('Sign in', 'who is not known is asked');
    $browser->type('#token', $secret);
    $browser->click('Sign in', 'main');
    shows('ams1-db002', 'and led back');
    unlike($browser->text('#bar'), qr/Preferences/, 'what is not mounted has no tab');
    $browser->go('/ui/object/ams1-db002');
    $browser->click('Edit owner');
    $browser->type('form.edit [name=value]', 'moved');
    $browser->click('Save', 'form.edit');
    ok(poll(20, sub { value_of('ams1-db002', 'owner') eq 'moved' }), 'an edit finds its path');
    $browser->go('/ui/object/ams1-servers');
    has_text('main table', qr/ams1-db002/, 'and so does what a manager gave');
    silent('other paths', qr/401/);
    $browser->at('');
    $front->stop;
    $server->stop;
};

# The page and the server below a path of the front server's, which it removes.
sub below_inventory {
    my ($dir) = @_;
    mkdir $_ for "$dir/inventory", "$dir/inventory/ui";
    spew("$dir/inventory/ui/" . s{.*/}{}r, slurp($_) =~ s{(?<=")/ui/}{/inventory/ui/}gr) for grep { -f } glob build_dir() . '/share/www/ui/*';
    return sub {
        my ($text) = @_;
        $text =~ s{^ *location = /import \{.*?\}\n}{}ms or die 'no location of imports in the sample';
        $text =~ s{location / \{}{location ~ ^/inventory(?<below>/.*)\$ \{} or die 'no location in the sample';
        $text =~ s{(PATH_INFO +)\$uri;}{$1\$below;} or die 'no PATH_INFO in the sample';
        $text =~ s{location \^~ /ui/}{location ^~ /inventory/ui/} && $text =~ s{\$uri /ui/}{\$uri /inventory/ui/} or die 'no page in the sample';
        return $text =~ s{(root +)[^;]+;}{$1$dir;}r;
    };
}

subtest 'below another path' => sub {
    my $front = Muster::Front->new(server => $world->server, edit => below_inventory(temp_dir()));
    $browser->at($front->url);
    $browser->go('/inventory/ui/list/pool');
    $browser->click('db');
    shows('db', 'an object');
    like($browser->address, qr{/inventory/ui/object/db$}, '  below the same path');
    $browser->click('Attributes 0');
    $browser->click('Add attribute');
    $browser->type('form.edit [name=key]', 'below');
    $browser->type('form.edit [name=value]', '1');
    $browser->click('Add', 'form.edit');
    ok(poll(20, sub { (value_of('db', 'below') // '') eq '1' }), 'an edit');
    silent('below another path');
    $browser->at('');
    $front->stop;
};

subtest 'preferences alone' => sub {
    my $server = Muster::Server->new(postgres => $world->postgres, schema => 0, conf => { mounts => { preferences => '/' } });
    my $front = Muster::Front->new(server => $server);
    $front->client->post('/mine', headers => { 'X-User-Id' => 'alice' }, json => { a => 1 });
    $browser->at($front->url)->headers('X-User-Id' => 'alice');
    $browser->go('/ui/');
    shows('Preferences', 'the first page');
    is($browser->js('return document.querySelectorAll("#bar nav a").length'), 1, 'has one tab');
    $browser->click('Your preferences');
    $browser->click('mine');
    shows('mine', 'a container');
    $browser->type('#document', '{"a": 2}');
    $browser->click('Save');
    has_text('#status', qr/mine saved/, 'is saved');
    silent('preferences alone', qr/404/);
    $browser->at('');
    $front->stop;
    $server->stop;
};

$browser->stop;
$world->stop;
done_testing;
