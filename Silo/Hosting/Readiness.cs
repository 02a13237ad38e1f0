using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;

namespace Mesh.Silo.Hosting;

/// <summary>A silo is ready when the trust domain answers; from memory, since reads and push go on while the store is down.</summary>
internal static class Readiness
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public static async Task<IResult> AskAsync(IGrainFactory grains, string trustDomain)
    {
        try
        {
            await grains.GetGrain<ITrustDomainGrain>(trustDomain).GetBundleAsync().WaitAsync(Limit, TimeProvider.System);
            return Results.Text("ready\n");
        }
        catch (Exception e) when (e is MeshException or OrleansException or TimeoutException)
        {
            return Results.Text("the trust domain does not answer\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }
}
