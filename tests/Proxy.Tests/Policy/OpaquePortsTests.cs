using Mesh.Proxy.Policy;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Policy;

public sealed class OpaquePortsTests
{
    [Fact]
    public void A_policy_that_says_nothing_means_Linkerds_list()
    {
        int[] listed = [25, 587, 3306, 4444, 5432, 6379, 9300, 11211];

        Assert.Equal(listed, Enumerable.Range(0, 65536).Where(OpaquePorts.Of(new WorkloadPolicy()).Contains));
        Assert.Equal(listed, Enumerable.Range(0, 65536).Where(OpaquePorts.Of(null).Contains));
    }

    [Fact]
    public void A_policy_that_names_none_means_none() =>
        Assert.DoesNotContain(Enumerable.Range(0, 65536), OpaquePorts.Of(new WorkloadPolicy { OpaquePorts = new() }).Contains);

    [Fact]
    public void Both_ends_of_a_range_belong_to_it()
    {
        var ports = Of((80, 80), (9000, 9002));

        Assert.Equal([80, 9000, 9001, 9002], Enumerable.Range(0, 65536).Where(ports.Contains));
    }

    [Fact]
    public void A_range_that_is_none_is_passed_over()
    {
        var ports = Of((10, 9), (65536, uint.MaxValue), (uint.MaxValue, uint.MaxValue), (65535, uint.MaxValue));

        Assert.Equal([65535], Enumerable.Range(0, 65536).Where(ports.Contains));
    }

    [Fact]
    public void No_more_ranges_are_read_than_so_many()
    {
        var ports = Of([.. Enumerable.Range(1, 65).Select(port => ((uint)port, (uint)port))]);

        Assert.Equal((true, false), (ports.Contains(64), ports.Contains(65)));
    }

    private static OpaquePorts Of(params (uint First, uint Last)[] ranges) => OpaquePorts.Of(new WorkloadPolicy
    {
        OpaquePorts = new() { Ranges = { ranges.Select(range => new PortRange { First = range.First, Last = range.Last }) } },
    });
}
