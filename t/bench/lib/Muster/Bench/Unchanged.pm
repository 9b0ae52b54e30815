# Muster::Bench::Unchanged: a long list that is asked for again while nothing is changed, and what a short one costs.
package Muster::Bench::Unchanged;
use v5.24;
use warnings;
use Muster::Bench::Run;

my $path = '/entity/basicserver';

# The list is sent once more after a change, and not before.
sub _check {
    my ($run, $client, $tag) = @_;
    my $again = $client->get($path, headers => { 'If-None-Match' => $tag });
    die "$path: status $again->{status} instead of 304\n" if $again->{status} != 304;
    $run->world->postgres->psql("update entity_attrs set string_value = string_value || '.' where attr_id = (select min(attr_id)"
            . " from entity_attrs where string_value is not null and key not like '\\_%' and deleted_at_version is null)", database => 'large');
    my $changed = $client->get($path, headers => { 'If-None-Match' => $tag });
    die "$path: status $changed->{status} instead of 200\n" if $changed->{status} != 200;
    return $changed->{headers}{etag};
}

sub unchanged {
    my ($run)  = @_;
    my $muster = $run->world->muster('cached');
    my $tag    = _check($run, $muster->{client}, $muster->{client}->get($path)->{headers}{etag});
    my %by     = $run->compare(
        'unchanged',
        [
            $run->over_http('muster', $muster, Muster::Bench::Run::always($path, 'If-None-Match' => $tag), clients => 64),
            $run->over_http('constant', $run->world->constant(''), Muster::Bench::Run::always('/'), clients => 64),
        ],
    );
    $run->judge('unchanged', 'a list of all servers, unchanged, of a constant answer', @by{qw(muster constant)},
        payers => [qw(front program database)], most => 1.67);
    return;
}

# Of a list that is so short that its tag might be felt.
my @short = (
    [ 'names',    '/by-names?' . join('&', map { "name=server$_" } 1_000_001 .. 1_000_010), {} ],
    [ 'objects',  '/by-names?' . join('&', map { "name=server$_" } 1_000_001 .. 1_000_010), { 'Clusto-Mode' => 'expanded' } ],
    [ 'page',     $path, { 'Clusto-After' => 0, 'Clusto-Per-Page' => 10 } ],
    [ 'numbered', $path, { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 10 } ],
);

sub short_lists {
    my ($run) = @_;
    my $muster = $run->world->muster('plain');
    $run->compare('short-lists', [ map { $run->over_http($_->[0], $muster, Muster::Bench::Run::always($_->[1], %{ $_->[2] })) } @short ]);
    return;
}

1;
