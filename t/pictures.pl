# pictures.pl: makes the pictures of the page that the documentation shows: make pictures.
use v5.24;
use warnings;
use Muster::Browser;
use Muster::Datacentre;
use Muster::Process qw(source_dir);
use Muster::World;

my $missing = Muster::Browser::missing();
die "$missing is missing (Debian: chromium, chromium-driver)\n" if $missing;
my $to = $ARGV[0] // source_dir() . '/doc/pictures';
mkdir $to;

my $world = Muster::World->new(data => 0, front_options => { identity => 'basic' });
Muster::Datacentre::fill($world->front->client(user => 'alice', password => 'secret'));
my $bob = $world->front->client(user => 'bob', password => 'secret');
$bob->put("/attribute/ams1-db0$_->[0]/owner", form => "value=$_->[1]", headers => { 'Clusto-Description' => $_->[2] }) for
    [ '07', 'search', 'moves to the search team' ], [ 12, 'search', 'moves to the search team' ];
$bob->put('/attribute/ams1-web001/os', form => 'value=debian-13', headers => { 'Clusto-Description' => 'upgraded' });

my $browser = Muster::Browser->new(url => $world->front->url, size => [ 1100, 740 ], headers => { Authorization => 'Basic YWxpY2U6c2VjcmV0' });

# Each view, and what is done there first.
my @pictures = (
    [ home    => '/ui/' ],
    [ list    => '/ui/list/basicserver?q=pool+%3D+db' ],
    [ object  => '/ui/object/ams1-db007', sub { $browser->click('Edit os'); $browser->type('form.edit [name=value]', 'debian-13'); $browser->click('Preview'); $browser->one('form.edit ins') } ],
    [ racks   => '/ui/racks/ams1-a?colour=owner' ],
    [ manager => '/ui/object/ams1-mgmt' ],
    [ history => '/ui/object/ams1-db007?tab=history' ],
);
for my $picture (@pictures) {
    my ($name, $path, $first) = @$picture;
    $browser->go($path);
    $browser->until_js('return document.querySelector("main h1") && !document.querySelector("main[aria-busy]")') or die "$path shows nothing\n";
    $first->() if $first;
    $browser->until_js('return [...document.querySelectorAll("main tbody [data-row] td:nth-child(4)")].some(td => td.textContent) || !document.querySelector("main .rows")');
    $browser->picture("$to/$name.png");
    say "$to/$name.png";
}
$browser->stop;
$world->stop;
