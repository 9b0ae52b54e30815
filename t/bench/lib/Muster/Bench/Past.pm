# Muster::Bench::Past: what a read as of a version costs, of the same read of the present.
package Muster::Bench::Past;
use v5.24;
use warnings;
use Muster::Bench::Run;

# [ id, what, at most, path (N: which; as Muster::Bench::Run::any_of), how many there are, headers ]
sub _reads {
    my ($run) = @_;
    return (
        [ 'object', 'an object', 1.3, '/by-name/serverN', $run->servers, {} ],
        [ 'page', 'a page of 50', 2, '/entity/basicserver', 1, { 'Clusto-After' => 0, 'Clusto-Per-Page' => 50, 'Clusto-Mode' => 'compact' } ],
    );
}

# Pools are numbered from 1.
sub _pools {
    my ($run, %headers) = @_;
    my $pools = $run->world->data->count('pool');
    my $lua   = join '', map { "wrk.headers['$_'] = '$headers{$_}'\n" } sort keys %headers;
    return "${lua}request = function() return wrk.format('GET', '/from-pools?pool=pool' .. math.random($pools)) end\n";
}

sub _compare {
    my ($run, $id, $what, $most, $lua) = @_;
    my $muster = $run->world->muster('plain');
    my ($now)  = $run->world->postgres->psql('select max(version) from clustoversioning', database => 'large');
    my %by     = $run->compare(
        "past-$id",
        [ $run->over_http('muster', $muster, $lua->()), $run->over_http('past', $muster, $lua->('Clusto-As-Of' => $now)) ],
    );
    $run->judge("past-$id", "$what as of a version, of the present", @by{qw(past muster)}, most => $most);
    return;
}

sub past {
    my ($run) = @_;
    for (_reads($run)) {
        my ($id, $what, $most, $path, $count, $headers) = @$_;
        _compare($run, $id, $what, $most, sub { Muster::Bench::Run::any_of($count, $path, %$headers, @_) });
    }
    _compare($run, 'pool', 'a pool of 100, expanded,', 1.3, sub { _pools($run, 'Clusto-Mode' => 'expanded', @_) });
    return;
}

1;
