import { PageLayout } from "../../components/layout";
import { useMe } from "../../me";

export default function Home() {
  const { organization } = useMe();
  return <PageLayout title={organization.name}>{undefined}</PageLayout>;
}
